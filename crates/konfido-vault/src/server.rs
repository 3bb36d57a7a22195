//! The vault's socket: a Unix socket that only named users may use, one thread a connection.
//!
//! The peer's user id comes from the kernel (`SO_PEERCRED`), never from the peer. A connection that sends what is no message
//! is closed. Each connection has a budget of operations a second; above it the answer is [`Refusal::TooMany`].

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::net::sockopt::socket_peercred;

use crate::protocol::{self, Answer, Refusal, Request};
use crate::service::Service;

/// Who may connect, and how much.
#[derive(Debug, Clone)]
pub struct Admission {
    /// User ids that may use the socket.
    pub users: Vec<u32>,
    /// Operations a second and connection.
    pub per_second: u32,
    /// Connections at once.
    pub connections: usize,
}

/// Serves until the listener fails.
///
/// # Errors
/// The listener's.
pub fn serve(listener: &UnixListener, service: &Arc<Service>, admission: &Admission) -> io::Result<()> {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let (stream, _) = listener.accept()?;
        let Ok(peer) = socket_peercred(&stream) else { continue };
        let caller = peer.uid.as_raw();
        if !admission.users.contains(&caller) || open.load(Ordering::Acquire) >= admission.connections {
            continue;
        }
        open.fetch_add(1, Ordering::AcqRel);
        let (service, budget, open) =
            (Arc::clone(service), Budget::new(admission.per_second), Arc::clone(&open));
        let spawned = std::thread::Builder::new().stack_size(1 << 20).spawn(move || {
            // A connection that ends badly ends alone; what it was about is in the journal.
            let _ended = connection(stream, &service, budget, caller);
            open.fetch_sub(1, Ordering::AcqRel);
        });
        if spawned.is_err() {
            return Err(io::Error::other("no thread for a connection"));
        }
    }
}

fn connection(mut stream: UnixStream, service: &Service, mut budget: Budget, caller: u32) -> io::Result<()> {
    while let Some(request) = protocol::read::<Request>(&mut stream)? {
        let answer = if budget.spend(Instant::now()) {
            service.answer(request, caller)
        } else {
            Answer::Refused(Refusal::TooMany)
        };
        protocol::write(&mut stream, &answer)?;
    }
    Ok(())
}

/// Operations that may be spent, refilled each second.
#[derive(Debug)]
struct Budget {
    per_second: u32,
    left: u32,
    since: Option<Instant>,
}

impl Budget {
    fn new(per_second: u32) -> Self {
        Self { per_second, left: per_second, since: None }
    }

    fn spend(&mut self, now: Instant) -> bool {
        if self.since.is_none_or(|since| now.duration_since(since) >= Duration::from_secs(1)) {
            self.since = Some(now);
            self.left = self.per_second;
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}
