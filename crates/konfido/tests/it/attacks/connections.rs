//! Attacks on the connection: who may speak at all, and what is no HTTP request.

use super::{Attack, Expect};
use crate::request::{Ask, head, post};
use crate::socket::{Shot, Step};
use crate::world::{Who, World};

const SOAP: &str = "application/soap+xml; charset=UTF-8";
const PATH: &str = "/services/XCPD_Service";

pub(super) fn rows() -> Vec<Attack> {
    let strangers = [
        ("no client certificate", Who::Nobody),
        ("a certificate of a country outside of the circle", Who::Stranger),
        ("a revoked certificate", Who::Revoked),
        ("an expired certificate", Who::Expired),
        ("a certificate of tomorrow", Who::NotYetValid),
        ("a self-signed certificate", Who::SelfSigned),
        ("a member's root as a client", Who::Root),
        ("a server's certificate as a client", Who::Server),
        ("a signing certificate as a client", Who::Signature),
        ("a root that vouches for another country", Who::OtherCountry),
        ("a certificate of no country", Who::NoCountry),
    ];
    let mut rows: Vec<Attack> = strangers
        .into_iter()
        .map(|(name, who)| {
            Attack::new(name, move |w| Ask::identify(w, &["SYN-0001"]).by(who).shot(), Expect::Silence)
        })
        .collect();
    rows.extend([
        Attack::new("garbage before tls", |_| Shot::plain(vec![0xff; 4096]), Expect::Silence),
        Attack::new(
            "plain http to the tls port",
            |_| Shot::plain(post(PATH, SOAP, b"<a/>")),
            Expect::Silence,
        ),
        Attack::new(
            "a hello that never ends",
            // The head of a TLS record that promises 512 bytes of a ClientHello.
            |_| Shot::plain([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
            Expect::Silence,
        ),
        Attack::new(
            "a tls record longer than any",
            |_| Shot::plain([&[0x16, 3, 1, 0xff, 0xff][..], &[0; 4096]].concat()),
            Expect::Silence,
        ),
        Attack::new(
            "a closed socket instead of a hello",
            |_| Shot { tls: None, steps: vec![Step::CloseWrite] },
            Expect::Silence,
        ),
        Attack::new(
            "a header a byte at a time",
            |_| drip(b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", b"x"),
            Expect::Silence,
        ),
        Attack::new(
            "a body a byte at a time",
            |_| drip(&head(PATH, SOAP, "Content-Length: 100000\r\n"), b" "),
            Expect::Fault(408, "Sender", ""),
        ),
        Attack::new(
            "a body that never comes",
            |_| denmark(head(PATH, SOAP, "Content-Length: 1000\r\n")),
            Expect::Fault(408, "Sender", ""),
        ),
        Attack::new(
            "a socket half closed inside the body",
            |_| {
                denmark([head(PATH, SOAP, "Content-Length: 1000\r\n"), b"<a>".to_vec()].concat())
                    .then(Step::CloseWrite)
            },
            Expect::Fault(408, "Sender", ""),
        ),
        Attack::new(
            "a socket half closed inside the head",
            |_| denmark(b"POST / HTTP/1.1\r\nHost: loc".to_vec()).then(Step::CloseWrite),
            Expect::Silence,
        ),
        Attack::new(
            "an unsigned request and a half closed socket",
            |w| {
                Ask { assertions: Vec::new(), ..Ask::identify(w, &["SYN-0001"]) }
                    .shot()
                    .then(Step::CloseWrite)
            },
            Expect::Xcpd("ERROR_PI_MISSING_REQUIRED_FIELDS"),
        ),
        Attack::new(
            "a body of 100 MB",
            |_| denmark(head(PATH, SOAP, "Content-Length: 104857600\r\n")).then(Step::Pour(100 << 20)),
            Expect::Fault(413, "Sender", ""),
        ),
        Attack::new(
            "chunks without end",
            |_| {
                let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat().repeat(200);
                denmark([head(PATH, SOAP, "Transfer-Encoding: chunked\r\n"), chunk].concat())
            },
            Expect::Fault(413, "Sender", ""),
        ),
        Attack::new(
            "garbage for chunks",
            |_| {
                denmark(
                    [head(PATH, SOAP, "Transfer-Encoding: chunked\r\n"), b"zz\r\n????\r\n".to_vec()].concat(),
                )
            },
            Expect::Fault(408, "Sender", ""),
        ),
        Attack::new(
            "a chunk that is longer than a number",
            |_| {
                let body = b"fffffffffffffffffffff\r\nx\r\n".to_vec();
                denmark([head(PATH, SOAP, "Transfer-Encoding: chunked\r\n"), body].concat())
            },
            Expect::Fault(408, "Sender", ""),
        ),
        Attack::new(
            "two lengths",
            |_| {
                denmark(
                    [head(PATH, SOAP, "Content-Length: 1\r\nContent-Length: 2\r\n"), b"xx".to_vec()].concat(),
                )
            },
            Expect::Status(400),
        ),
        Attack::new(
            "a negative length",
            |_| denmark(head(PATH, SOAP, "Content-Length: -1\r\n")),
            Expect::Status(400),
        ),
        Attack::new("more headers than anybody has", |_| many(), Expect::Status(431)),
        Attack::new(
            "a header longer than a book",
            |_| denmark(head(PATH, SOAP, &format!("X-Long: {}\r\n", "x".repeat(1 << 20)))),
            Expect::Status(431),
        ),
        Attack::new("http/2", |_| denmark(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()), Expect::Silence),
        Attack::new("no http at all", |_| denmark(vec![0; 512]), Expect::Status(400)),
    ]);
    let methods = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "PROPFIND"];
    let names = [
        "method GET",
        "method HEAD",
        "method PUT",
        "method DELETE",
        "method OPTIONS",
        "method TRACE",
        "method CONNECT",
        "method PATCH",
        "method PROPFIND",
    ];
    rows.extend(methods.into_iter().zip(names).map(|(method, name)| {
        let target = if method == "CONNECT" { "localhost:443" } else { PATH };
        Attack::new(
            name,
            move |_| {
                let line =
                    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
                denmark(line.into_bytes())
            },
            Expect::Status(405),
        )
    }));
    rows.push(Attack::new(
        "a path that is none, without assertions",
        |w: &World| {
            Ask { assertions: Vec::new(), path: "/../../etc/passwd", ..Ask::identify(w, &["SYN-0001"]) }
                .shot()
        },
        Expect::Xcpd("ERROR_PI_MISSING_REQUIRED_FIELDS"),
    ));
    rows
}

fn denmark(bytes: Vec<u8>) -> Shot {
    Shot::of(Who::Denmark, bytes)
}

fn drip(first: &[u8], then: &[u8]) -> Shot {
    denmark(first.to_vec()).then(Step::Drip(then.to_vec()))
}

fn many() -> Shot {
    let headers: String = (0..500).map(|n| format!("X-{n}: x\r\n")).collect();
    denmark(head(PATH, SOAP, &headers))
}
