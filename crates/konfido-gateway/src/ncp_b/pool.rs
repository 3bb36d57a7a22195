//! Kept-alive connections to peers.
//!
//! INVARIANT (judged before used): a connection leaves the pool only with a peer whose certificate the trust store
//! accepted at that moment, and who is the country that was meant.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use konfido_circle::{CountryCode, Usage};
use rustls_pki_types::CertificateDer;
use tokio::net::TcpStream;

use super::{AskError, NcpBSetup};
use crate::directory::Destination;
use crate::peer::Peer;
use crate::tls::{Agreed, Secured};

/// Idle connections kept for one place.
const IDLE: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<Place, Vec<Connection>>>,
}

type Place = (CountryCode, String);

#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    chain: Vec<CertificateDer<'static>>,
    agreed: Agreed,
    place: Place,
    pub(super) reused: bool,
}

impl Connection {
    pub(super) fn agreed(&self) -> Agreed {
        self.agreed
    }

    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, hyper::Error> {
        self.sender.send_request(request).await
    }
}

impl Pool {
    /// A connection that was used before and is still good, or a new one.
    pub(super) async fn take(
        &self,
        setup: &NcpBSetup,
        to: &Destination,
        fresh: bool,
    ) -> Result<(Connection, Peer), AskError> {
        let place = (to.country, authority(&to.endpoint)?);
        while let Some(mut connection) = (!fresh).then(|| self.pop(&place)).flatten() {
            if connection.sender.is_closed() || connection.sender.ready().await.is_err() {
                continue;
            }
            let peer = judge(setup, to, &connection.chain, connection.agreed)?;
            connection.reused = true;
            return Ok((connection, peer));
        }
        let host = to.endpoint.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = to.endpoint.port_u16().unwrap_or(443);
        let endpoint = to.endpoint.to_string();
        let tcp = TcpStream::connect((host, port))
            .await
            .map_err(|source| AskError::Unreachable { endpoint: endpoint.clone(), source })?;
        let _no_delay = tcp.set_nodelay(true);
        let Secured { stream, chain, agreed } = setup
            .connector
            .connect(tcp, to.country, host)
            .await
            .map_err(|source| AskError::Untrusted { endpoint, source })?;
        setup.metrics.connection_accepted(&agreed);
        let peer = judge(setup, to, &chain, agreed)?;
        let (sender, driver) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|e| AskError::Broken(e.to_string()))?;
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "connection to a peer ended");
            }
        });
        Ok((Connection { sender, chain, agreed, place, reused: false }, peer))
    }

    /// Keeps a connection whose answer was read to its end.
    pub(super) fn give_back(&self, connection: Connection) {
        if connection.sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.entry(connection.place.clone()).or_default();
        if kept.len() < IDLE {
            kept.push(connection);
        }
    }

    fn pop(&self, place: &Place) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place)?.pop()
    }
}

fn judge(
    setup: &NcpBSetup,
    to: &Destination,
    chain: &[CertificateDer<'static>],
    agreed: Agreed,
) -> Result<Peer, AskError> {
    let peer = Peer::check(&setup.trust, chain, &[Usage::TlsServer], agreed, setup.clock.now())
        .map_err(AskError::Certificate)?;
    if peer.country() != to.country {
        return Err(AskError::Broken(format!("the certificate is of `{}`", peer.country())));
    }
    Ok(peer)
}

fn authority(endpoint: &Uri) -> Result<String, AskError> {
    match (endpoint.scheme_str(), endpoint.authority()) {
        (Some("https"), Some(authority)) => Ok(authority.to_string()),
        _ => Err(AskError::Broken(format!("`{endpoint}` is no https address"))),
    }
}
