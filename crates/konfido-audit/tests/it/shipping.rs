//! From spool to collector over real sockets and real TLS.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use konfido_audit::syslog;
use konfido_audit::{Delivery, Listener, ListenerOptions, Shipper, ShipperOptions, Spool, SpoolOptions};
use konfido_circle::FixedClock;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::world::*;

struct Collector {
    address: std::net::SocketAddr,
    inbox: mpsc::Receiver<Delivery>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn collector(socket: TcpListener) -> Collector {
    let address = socket.local_addr().unwrap();
    let (out, inbox) = mpsc::channel(16);
    let (stop, stopped) = oneshot::channel();
    let listener = Listener::new(socket, tls_server(), ListenerOptions::default(), out);
    let task = tokio::spawn(listener.run(async move { drop(stopped.await) }));
    Collector { address, inbox, stop, task }
}

fn spool(dir: &Path) -> Spool {
    Spool::open(dir, SpoolOptions::default(), sealer()).unwrap()
}

fn start_shipper(
    spool: &Spool,
    address: std::net::SocketAddr,
    version: &'static rustls::SupportedProtocolVersion,
) -> JoinHandle<()> {
    let mut options =
        ShipperOptions::new(address.to_string(), ServerName::try_from("localhost").unwrap(), "ncp.example");
    options.batch = 7;
    options.retry_first = Duration::from_millis(5);
    options.retry_limit = Duration::from_millis(20);
    let shipper =
        Shipper::new(spool.clone(), options, tls_client(&[version]), Arc::new(FixedClock::new(now())));
    tokio::spawn(async move { shipper.run(std::future::pending()).await.unwrap() })
}

async fn expect(collector: &mut Collector, messages: std::ops::Range<usize>) {
    for i in messages {
        let delivery = collector.inbox.recv().await.unwrap();
        assert_eq!(String::from_utf8(delivery.frame.message).unwrap(), text(i));
        assert!(delivery.frame.counted);
        assert!(delivery.certificate.is_some());
    }
}

fn text(i: usize) -> String {
    format!("<AuditMessage>{i} {}</AuditMessage>", "å".repeat(5000))
}

async fn drained(spool: &Spool) {
    while spool.backlog() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_in_order_over_both_versions_of_tls() {
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool(dir.path());
        let mut collector = collector(TcpListener::bind("127.0.0.1:0").await.unwrap()).await;
        let shipper = start_shipper(&spool, collector.address, version);
        for i in 0..30 {
            spool.append(text(i).into_bytes()).await.unwrap();
        }
        expect(&mut collector, 0..30).await;
        drained(&spool).await;
        shipper.abort();
        collector.stop.send(()).unwrap();
        collector.task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_the_collector_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let spool_before = spool(dir.path());
    // A socket that accepts and slams the door: the batch must not count as delivered.
    let rude = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = rude.local_addr().unwrap();
    let shipper = start_shipper(&spool_before, address, &rustls::version::TLS13);
    for i in 0..10 {
        spool_before.append(text(i).into_bytes()).await.unwrap();
    }
    for _ in 0..3 {
        drop(rude.accept().await.unwrap());
    }
    assert_eq!(spool_before.backlog(), 10);
    // The process ends; the next one goes on where it was.
    shipper.abort();
    drop(shipper.await);
    drop(spool_before);
    drop(rude);
    let spool = spool(dir.path());
    assert_eq!(spool.backlog(), 10);
    let mut collector = collector(TcpListener::bind("127.0.0.1:0").await.unwrap()).await;
    let shipper = start_shipper(&spool, collector.address, &rustls::version::TLS13);
    expect(&mut collector, 0..10).await;
    drained(&spool).await;
    shipper.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_cut_off_in_the_middle_is_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let spool = spool(dir.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shipper = start_shipper(&spool, address, &rustls::version::TLS13);
    for i in 0..5 {
        spool.append(text(i).into_bytes()).await.unwrap();
    }
    // Takes the TLS connection and the first bytes, then breaks it.
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = tokio_rustls::TlsAcceptor::from(tls_server()).accept(stream).await.unwrap();
    let mut some = [0; 100];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut some).await.unwrap();
    stream.get_ref().0.set_zero_linger().unwrap();
    drop(stream);
    let mut collector = collector(listener).await;
    expect(&mut collector, 0..5).await;
    drained(&spool).await;
    shipper.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openncp_frames_arrive_one_connection_each_without_a_proper_end() {
    let Some(dir) = recordings() else { return };
    let mut collector = collector(TcpListener::bind("127.0.0.1:0").await.unwrap()).await;
    let mut frames: Vec<_> = std::fs::read_dir(dir.join("audit/syslog"))
        .unwrap()
        .map(|e| std::fs::read(e.unwrap().path()).unwrap())
        .collect();
    frames.push(syslog::encode("<AuditMessage/>", now(), "h"));
    for frame in &frames {
        let stream = TcpStream::connect(collector.address).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(tls_client(&[&rustls::version::TLS12]));
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, stream).await.unwrap();
        stream.write_all(frame).await.unwrap();
        stream.flush().await.unwrap();
        // No close_notify: the socket is just shut.
        stream.get_mut().0.shutdown().await.unwrap();
        let delivery = collector.inbox.recv().await.unwrap();
        assert!(delivery.frame.counted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_without_certificate_is_not_heard() {
    let collector = collector(TcpListener::bind("127.0.0.1:0").await.unwrap()).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(pki().root().certificate().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(collector.address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    assert!(connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.is_err());
}
