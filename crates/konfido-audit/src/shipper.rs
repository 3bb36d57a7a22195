//! From the spool to the collector: syslog over TLS (RFC 5425).
//!
//! Syslog knows no acknowledgement. What a peer has taken is therefore confirmed by an orderly end: the shipper sends
//! a batch over one connection, closes its side (`close_notify`), and waits for the collector to close the other. A
//! collector reads to the end before it closes, so then the batch has arrived. Anything else (reset, time-out, no
//! answer) leaves the batch unconfirmed, and it is sent again: at least once, never lost, in the order of the spool.
//!
//! * On failure: wait, twice as long each time up to the limit, and send the same batch again.
//! * On shutdown: the batch in flight is finished or left unconfirmed; the spool keeps it either way.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use konfido_circle::Clock;
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::spool::{Sequence, Spool, SpoolError};
use crate::syslog;

/// Where to and how.
#[derive(Clone, Debug)]
pub struct ShipperOptions {
    /// `host:port` of the collector.
    pub collector: String,
    /// Name that its certificate must bear.
    pub server_name: ServerName<'static>,
    /// What we call ourselves in the syslog header.
    pub host: String,
    /// Most messages in one connection.
    pub batch: usize,
    /// Longest time for connecting, for sending a batch, and for the collector to close.
    pub patience: Duration,
    /// First wait after a failure.
    pub retry_first: Duration,
    /// Longest wait after a failure.
    pub retry_limit: Duration,
}

impl ShipperOptions {
    /// The usual numbers.
    #[must_use]
    pub fn new(
        collector: impl Into<String>,
        server_name: ServerName<'static>,
        host: impl Into<String>,
    ) -> Self {
        Self {
            collector: collector.into(),
            server_name,
            host: host.into(),
            batch: 64,
            patience: Duration::from_secs(20),
            retry_first: Duration::from_millis(250),
            retry_limit: Duration::from_secs(60),
        }
    }
}

/// Sends what is in the spool.
#[derive(Debug)]
pub struct Shipper {
    spool: Spool,
    options: ShipperOptions,
    tls: Arc<rustls::ClientConfig>,
    clock: Arc<dyn Clock>,
}

/// Why a batch did not arrive. It will be sent again.
#[derive(Debug, thiserror::Error)]
enum Undelivered {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the collector took too long to {0}")]
    TooSlow(&'static str),
}

impl Shipper {
    /// A shipper from `spool` to the collector, over TLS as `tls` says (client certificate, roots, versions).
    #[must_use]
    pub fn new(
        spool: Spool,
        options: ShipperOptions,
        tls: Arc<rustls::ClientConfig>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { spool, options, tls, clock }
    }

    /// Ships until `stop` resolves. Fails only when the spool does.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> Result<(), SpoolError> {
        tokio::pin!(stop);
        tokio::select! {
            () = &mut stop => Ok(()),
            result = self.ship() => result,
        }
    }

    async fn ship(&self) -> Result<(), SpoolError> {
        let mut wait = self.options.retry_first;
        loop {
            self.spool.wait_for_unconfirmed().await?;
            let (frames, last) = self.next_batch().await?;
            let Some(last) = last else { continue };
            match self.deliver(&frames).await {
                Ok(()) => {
                    wait = self.options.retry_first;
                    let spool = self.spool.clone();
                    blocking(move || spool.confirm(last)).await?;
                }
                Err(error) => {
                    tracing::warn!(
                        collector = %self.options.collector, backlog = self.spool.backlog(), %error,
                        "audit messages not delivered, will be sent again"
                    );
                    tokio::time::sleep(wait).await;
                    wait = wait.saturating_mul(2).min(self.options.retry_limit);
                }
            }
        }
    }

    async fn next_batch(&self) -> Result<(Vec<u8>, Option<Sequence>), SpoolError> {
        let (spool, count) = (self.spool.clone(), self.options.batch.max(1));
        let records = blocking(move || spool.read_unconfirmed(count)).await?;
        let now = self.clock.now();
        let mut frames = Vec::new();
        for record in &records {
            let text = String::from_utf8_lossy(record.message.expose_secret());
            frames.extend_from_slice(&syslog::encode(&text, now, &self.options.host));
        }
        Ok((frames, records.last().map(|r| r.sequence)))
    }

    async fn deliver(&self, frames: &[u8]) -> Result<(), Undelivered> {
        let connect = async {
            let stream = TcpStream::connect(&self.options.collector).await?;
            stream.set_nodelay(true)?;
            TlsConnector::from(Arc::clone(&self.tls)).connect(self.options.server_name.clone(), stream).await
        };
        let mut stream = self.within("answer the connection", connect).await?;
        let send = async {
            stream.write_all(frames).await?;
            stream.flush().await?;
            stream.shutdown().await
        };
        self.within("take the messages", send).await?;
        let (mut tcp, tls) = stream.into_inner();
        // A peer that closes without `close_notify` has still read our end: its FIN follows it. A reset is an error.
        let end = async {
            let mut rest = [0; 512];
            while tcp.read(&mut rest).await? > 0 {}
            Ok(())
        };
        drop(tls);
        self.within("close the connection", end).await
    }

    async fn within<T>(
        &self,
        what: &'static str,
        work: impl Future<Output = std::io::Result<T>>,
    ) -> Result<T, Undelivered> {
        match tokio::time::timeout(self.options.patience, work).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(Undelivered::TooSlow(what)),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SpoolError> + Send + 'static,
) -> Result<T, SpoolError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(SpoolError::Stopped))
}
