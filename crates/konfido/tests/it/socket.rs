//! An attacker's socket: what is sent, in which rhythm, and what comes back.

use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::world::{Who, World};

/// One thing an attacker does with a connection.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends bytes one by one, each after a pause, for ever again.
    Drip(Vec<u8>),
    /// Sends so many filler bytes.
    Pour(usize),
    /// Closes its write side and goes on reading.
    CloseWrite,
}

/// A whole connection.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    /// Whose certificate it shows; none: no TLS at all.
    pub(crate) tls: Option<Who>,
    /// What it does. After the last step it only reads.
    pub(crate) steps: Vec<Step>,
}

impl Shot {
    pub(crate) fn of(who: Who, bytes: Vec<u8>) -> Self {
        Self { tls: Some(who), steps: vec![Step::Send(bytes)] }
    }

    pub(crate) fn plain(bytes: impl Into<Vec<u8>>) -> Self {
        Self { tls: None, steps: vec![Step::Send(bytes.into())] }
    }

    pub(crate) fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) enum Got {
    /// The connection ended without an HTTP answer.
    Silence,
    /// An answer.
    Answer(Answer),
}

/// An HTTP answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .find_map(|(field, value)| field.trim().eq_ignore_ascii_case(name).then(|| value.trim()))
    }

    /// Everything that an eye on the wire would see.
    pub(crate) fn text(&self) -> String {
        format!("{}\n{}", self.head, String::from_utf8_lossy(&self.body))
    }
}

trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// Longer than any of Italy's limits.
const AT_MOST: Duration = Duration::from_secs(30);

/// Takes the shot and reads until the other side ends the connection.
pub(crate) async fn fire(world: &World, shot: &Shot) -> Got {
    let tcp = TcpStream::connect(world.address).await.unwrap();
    let line: Box<dyn Line> = match shot.tls {
        None => Box::new(tcp),
        Some(who) => {
            match connector(world, who).connect(ServerName::try_from("localhost").unwrap(), tcp).await {
                Ok(stream) => Box::new(stream),
                Err(_) => return Got::Silence,
            }
        }
    };
    let (mut reader, mut writer) = tokio::io::split(line);
    let writing = async {
        for step in &shot.steps {
            if act(&mut writer, step).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let reading = async {
        let mut all = Vec::new();
        let mut buffer = vec![0; 16 * 1024];
        loop {
            match reader.read(&mut buffer).await {
                Ok(0) | Err(_) => break all,
                Ok(read) => all.extend_from_slice(&buffer[..read]),
            }
        }
    };
    let all = tokio::select! {
        all = tokio::time::timeout(AT_MOST, reading) => all.expect("the server never ended the connection"),
        () = writing => unreachable!("writing ends with the connection"),
    };
    parse(&all)
}

async fn act(writer: &mut (impl AsyncWrite + Unpin), step: &Step) -> std::io::Result<()> {
    match step {
        Step::Send(bytes) => {
            writer.write_all(bytes).await?;
            writer.flush().await
        }
        Step::Drip(bytes) => {
            let mut pace = tokio::time::interval(Duration::from_millis(100));
            for byte in bytes.iter().cycle() {
                pace.tick().await;
                writer.write_all(std::slice::from_ref(byte)).await?;
                writer.flush().await?;
            }
            Ok(())
        }
        Step::Pour(count) => {
            let filler = vec![b'x'; 64 * 1024];
            let mut left = *count;
            while left > 0 {
                let now = left.min(filler.len());
                writer.write_all(&filler[..now]).await?;
                left -= now;
            }
            writer.flush().await
        }
        Step::CloseWrite => writer.shutdown().await,
    }
}

fn connector(world: &World, who: Who) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(world.italian_root.clone()).unwrap();
    let builder =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
    let config = match world.certificate(who) {
        None => builder.with_no_client_auth(),
        Some(issued) => {
            let key = PrivatePkcs8KeyDer::from(issued.key_pkcs8().expose_secret().to_vec());
            builder
                .with_client_auth_cert(vec![issued.certificate().clone()], PrivateKeyDer::Pkcs8(key))
                .unwrap()
        }
    };
    TlsConnector::from(Arc::new(config))
}

fn parse(all: &[u8]) -> Got {
    if !all.starts_with(b"HTTP/1.1 ") {
        assert!(!all.starts_with(b"HTTP"), "an answer of another version");
        return Got::Silence;
    }
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
    let head = String::from_utf8(all[..end].to_vec()).unwrap();
    let status = head[9..12].parse().unwrap();
    Got::Answer(Answer { status, head, body: all[end + 4..].to_vec() })
}
