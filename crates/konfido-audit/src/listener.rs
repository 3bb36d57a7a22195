//! The receiving end of syslog over TLS: for tests, the demo and the guard.
//!
//! Takes what an OpenNCP sends (one TLS 1.2 connection a message, closed without an answer) and what a [`crate::Shipper`]
//! sends (batches, with an orderly end). Each frame goes into a bounded channel; a full channel slows the sender
//! down. The connection is closed in order only after its last frame was handed over, so that a sender who waits for
//! the end knows that everything has arrived.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::syslog::{Frame, FrameDecoder, FrameError};

/// A message that came in.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The frame.
    pub frame: Frame,
    /// Where from.
    pub from: SocketAddr,
    /// The sender's certificate, if it showed one.
    pub certificate: Option<CertificateDer<'static>>,
}

/// Limits of the listener.
#[derive(Clone, Debug)]
pub struct ListenerOptions {
    /// Connections at one time; further ones wait in the backlog of the socket.
    pub connections: usize,
    /// Longest silence of a peer.
    pub patience: Duration,
}

impl Default for ListenerOptions {
    fn default() -> Self {
        Self { connections: 256, patience: Duration::from_secs(60) }
    }
}

/// Accepts audit messages.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    options: ListenerOptions,
    out: mpsc::Sender<Delivery>,
}

#[derive(Debug, thiserror::Error)]
enum ConnectionError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the peer was silent for too long")]
    Silent,
    #[error("nobody takes the messages any more")]
    NoTaker,
}

impl Listener {
    /// Listens on `socket`; messages go to `out`. Whether senders need a certificate is `tls`'s matter.
    #[must_use]
    pub fn new(
        socket: TcpListener,
        tls: Arc<rustls::ServerConfig>,
        options: ListenerOptions,
        out: mpsc::Sender<Delivery>,
    ) -> Self {
        Self { socket, tls, options, out }
    }

    /// Serves until `stop` resolves; then connections at work are finished within the patience.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        tokio::pin!(stop);
        let places = Arc::new(Semaphore::new(self.options.connections.max(1)));
        let mut work = JoinSet::new();
        loop {
            let place = Arc::clone(&places).acquire_owned();
            let accepted = async {
                let place = place.await;
                (self.socket.accept().await, place)
            };
            let (stream, from, place) = tokio::select! {
                () = &mut stop => break,
                (accepted, place) = accepted => match accepted {
                    Ok((stream, from)) => (stream, from, place),
                    Err(error) => {
                        // Out of descriptors, or the peer was gone: both pass.
                        tracing::warn!(%error, "audit listener: not accepted");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                },
            };
            let (tls, out, patience) =
                (TlsAcceptor::from(Arc::clone(&self.tls)), self.out.clone(), self.options.patience);
            work.spawn(async move {
                if let Err(error) = serve(stream, from, &tls, &out, patience).await {
                    tracing::warn!(%from, %error, "audit listener: connection ended");
                }
                drop(place);
            });
            while work.try_join_next().is_some() {}
        }
        let finish = async { while work.join_next().await.is_some() {} };
        if tokio::time::timeout(self.options.patience, finish).await.is_err() {
            tracing::warn!("audit listener: stopped with connections at work");
        }
    }
}

async fn serve(
    stream: TcpStream,
    from: SocketAddr,
    tls: &TlsAcceptor,
    out: &mpsc::Sender<Delivery>,
    patience: Duration,
) -> Result<(), ConnectionError> {
    let accept = tokio::time::timeout(patience, tls.accept(stream));
    let mut stream = accept.await.map_err(|_| ConnectionError::Silent)??;
    let certificate =
        stream.get_ref().1.peer_certificates().and_then(|c| c.first()).map(|c| c.clone().into_owned());
    let mut decoder = FrameDecoder::default();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = tokio::time::timeout(patience, stream.read(&mut buffer)).await;
        let count = match read.map_err(|_| ConnectionError::Silent)? {
            Ok(count) => count,
            // OpenNCP closes the socket without `close_notify`; its frames have counts, so nothing can be cut unseen.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => 0,
            Err(error) => return Err(error.into()),
        };
        let mut rest = buffer.get(..count).unwrap_or_default();
        if count == 0 {
            decoder.end();
        }
        loop {
            let taken = decoder.push(rest);
            rest = rest.get(taken..).unwrap_or_default();
            while let Some(frame) = decoder.next_frame()? {
                let delivery = Delivery { frame, from, certificate: certificate.clone() };
                out.send(delivery).await.map_err(|_| ConnectionError::NoTaker)?;
            }
            if rest.is_empty() {
                break;
            }
        }
        if count == 0 {
            // The peer may be gone already.
            drop(stream.shutdown().await);
            return Ok(());
        }
    }
}
