//! The socket side of NCP-A: accept, handshake, read one whole request, hand it to a [`Service`], write the answer.
//!
//! What a peer may do, and what it gets:
//! * no certificate, or one the circle does not trust: the handshake fails, no HTTP is spoken (openncp.md 7.1);
//! * a connection opened and closed without a byte: nothing happens; OpenNCP's NCP-B does it after each answer
//!   (openncp.md 10);
//! * a slow handshake, head or body: the connection ends at [`Limits::handshake`], [`Limits::head`],
//!   [`Limits::body_time`];
//! * a body over [`Limits::body_bytes`]: [`Service::oversized`] answers, the rest is not read;
//! * its write side closed after the request: it still gets the answer;
//! * more connections than [`Limits::connections`]: new ones are closed at once; more requests at work than
//!   [`Limits::requests`]: 503.
//!
//! On shutdown no new connection is taken, requests at work are answered, and after [`Limits::drain`] the rest is cut.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use konfido_circle::{CertificateError, Clock, TrustStore, Usage};
use rustls_pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::metrics::Metrics;
use crate::peer::Peer;
use crate::tls::{SecureAcceptor, Secured};

/// How much, and how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one request body.
    pub body_bytes: usize,
    /// Time for the TLS handshake.
    pub handshake: Duration,
    /// Time to send a request's head, counted from the moment the connection waits for it: also how long an idle
    /// kept-alive connection lives.
    pub head: Duration,
    /// Time to send a request's body.
    pub body_time: Duration,
    /// Time to make the answer.
    pub answer: Duration,
    /// Connections at once.
    pub connections: usize,
    /// Requests at work at once.
    pub requests: usize,
    /// Time for open requests to end after a shutdown was asked for.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 10 * 1024 * 1024,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            body_time: Duration::from_secs(60),
            answer: Duration::from_secs(60),
            connections: 1024,
            requests: 256,
            drain: Duration::from_secs(20),
        }
    }
}

/// One whole request.
#[derive(Debug)]
pub struct Request {
    /// The path that was asked.
    pub path: String,
    /// All header fields.
    pub headers: HeaderMap,
    /// The body, at most [`Limits::body_bytes`].
    pub body: Bytes,
}

/// One whole answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// The whole content type with its parameters.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
}

/// What is done with requests.
#[async_trait]
pub trait Service: Send + Sync + std::fmt::Debug + 'static {
    /// For what a client's certificate may be made.
    fn usages(&self) -> &'static [Usage] {
        &[Usage::TlsClient]
    }
    /// Is told of a peer who came no further than the handshake because of its certificate.
    async fn turned_away(&self, address: SocketAddr, cause: &str);
    /// Answers a request of a peer whose certificate is good now.
    async fn answer(&self, peer: Peer, request: Request) -> Answer;
    /// Answers a peer whose certificate was good at the handshake and is not any more.
    async fn stale(&self, error: CertificateError) -> Answer;
    /// Answers a request whose body is over the limit, or did not come in time, or stopped in the middle.
    async fn oversized(&self, peer: Peer, fault: BodyFault) -> Answer;
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// Longer than the limit.
    TooLong,
    /// Slower than the limit.
    TooSlow,
    /// The connection ended inside it.
    Broken,
}

/// A bound server that runs until its [`watch`] channel says stop.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tls: Arc<dyn SecureAcceptor>,
    trust: Arc<TrustStore>,
    clock: Arc<dyn Clock>,
    service: Arc<dyn Service>,
    limits: Limits,
    metrics: Arc<Metrics>,
    connections: Arc<Semaphore>,
    requests: Semaphore,
}

impl Server {
    /// Puts a service behind a listener.
    pub fn new(
        listener: TcpListener,
        tls: Arc<dyn SecureAcceptor>,
        trust: Arc<TrustStore>,
        clock: Arc<dyn Clock>,
        service: Arc<dyn Service>,
        limits: Limits,
        metrics: Arc<Metrics>,
    ) -> Self {
        let connections = Arc::new(Semaphore::new(limits.connections));
        let requests = Semaphore::new(limits.requests);
        let shared = Shared { tls, trust, clock, service, limits, metrics, connections, requests };
        Self { listener, shared: Arc::new(shared) }
    }

    /// Where it listens.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` turns true, then drains.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let (tcp, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, or a peer gone before it was accepted: not the listener's end.
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            };
            let Ok(permit) = Arc::clone(&self.shared.connections).try_acquire_owned() else {
                self.shared.metrics.connection_refused("busy");
                continue;
            };
            let shared = Arc::clone(&self.shared);
            let watcher = graceful.watcher();
            tokio::spawn(async move {
                shared.connection(tcp, address, watcher).await;
                drop(permit);
            });
        }
        drop(self.listener);
        if tokio::time::timeout(self.shared.limits.drain, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still at work at the end of the drain time");
        }
    }
}

impl Shared {
    async fn connection(
        self: Arc<Self>,
        tcp: TcpStream,
        address: SocketAddr,
        watcher: hyper_util::server::graceful::Watcher,
    ) {
        let _no_delay = tcp.set_nodelay(true);
        let secured = match tokio::time::timeout(self.limits.handshake, self.tls.accept(tcp)).await {
            Ok(Ok(secured)) => secured,
            Ok(Err(error)) => {
                self.metrics.connection_refused("handshake");
                tracing::info!(%error, "no connection");
                if error.is_about_identity() {
                    self.service.turned_away(address, &error.to_string()).await;
                }
                return;
            }
            Err(_elapsed) => {
                self.metrics.connection_refused("slow");
                return;
            }
        };
        let Secured { stream, chain, agreed } = secured;
        let chain: Arc<[CertificateDer<'static>]> = chain.into();
        self.metrics.connection_accepted(&agreed);
        let shared = Arc::clone(&self);
        let service = hyper::service::service_fn(move |request| {
            let shared = Arc::clone(&shared);
            let chain = Arc::clone(&chain);
            async move { Ok::<_, Infallible>(shared.request(&chain, agreed, request).await) }
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .half_close(true)
            .max_buf_size(64 * 1024);
        let connection = watcher.watch(http.serve_connection(TokioIo::new(stream), service));
        if let Err(error) = connection.await {
            // A peer that leaves in the middle, or is too slow: its own affair.
            tracing::debug!(%error, "connection ended");
        }
    }

    async fn request(
        &self,
        chain: &[CertificateDer<'static>],
        agreed: crate::tls::Agreed,
        request: http::Request<Incoming>,
    ) -> Response<Full<Bytes>> {
        let Ok(_permit) = self.requests.try_acquire() else {
            self.metrics.connection_refused("overload");
            return plain(StatusCode::SERVICE_UNAVAILABLE);
        };
        if request.method() != Method::POST {
            return plain(StatusCode::METHOD_NOT_ALLOWED);
        }
        let peer = match Peer::check(&self.trust, chain, self.service.usages(), agreed, self.clock.now()) {
            Ok(peer) => peer,
            Err(error) => return closing(self.service.stale(error).await),
        };
        let (head, body) = request.into_parts();
        let reading = Limited::new(body, self.limits.body_bytes).collect();
        let fault = match tokio::time::timeout(self.limits.body_time, reading).await {
            Ok(Ok(collected)) => {
                let request = Request {
                    path: head.uri.path().to_owned(),
                    headers: head.headers,
                    body: collected.to_bytes(),
                };
                let answering = self.service.answer(peer, request);
                return match tokio::time::timeout(self.limits.answer, answering).await {
                    Ok(answer) => response(answer),
                    Err(_elapsed) => plain(StatusCode::GATEWAY_TIMEOUT),
                };
            }
            Ok(Err(error)) if error.is::<LengthLimitError>() => BodyFault::TooLong,
            Ok(Err(_)) => BodyFault::Broken,
            Err(_elapsed) => BodyFault::TooSlow,
        };
        closing(self.service.oversized(peer, fault).await)
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    if let Ok(value) = http::HeaderValue::from_str(&answer.content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    if !answer.status.is_success() {
        // As OpenNCP does: no connection survives a fault.
        response.headers_mut().insert(header::CONNECTION, http::HeaderValue::from_static("close"));
    }
    response
}

fn closing(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = response(answer);
    response.headers_mut().insert(header::CONNECTION, http::HeaderValue::from_static("close"));
    response
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONNECTION, http::HeaderValue::from_static("close"));
    response
}
