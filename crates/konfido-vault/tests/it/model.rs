//! The attestation handshake as a Dolev-Yao model, searched exhaustively.
//!
//! Parties: an honest client and an honest server, each with a TLS key and a platform key that only makes evidence over what
//! its own code computes. The attacker holds a member's TLS key of its own and the honest server's leaked TLS key; it opens
//! connections to both, reads and sends on every connection of which it is an end, and knows all it has seen.
//!
//! What is shown, for one client, one server and up to four connections: the client accepts only a connection whose other end
//! is the honest server's own code, even when both TLS keys have leaked. Taken out of the binding one by one: without the
//! exporter and the key hashes the search finds the relay with one leaked key; without the exporter alone it finds it when
//! both have leaked, because the hashes of the keys then no longer tell the attacker's connection from the honest one. What is
//! not shown: anything about TLS itself (its keys and exporters are taken as perfect), about the platforms' signatures, or
//! about more parties than these.

use std::collections::BTreeSet;

use stateright::{Checker as _, Model, Property};

/// Who holds an end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum End {
    Client,
    Server,
    Attacker,
}

/// Which TLS key was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum TlsKey {
    Clients,
    Servers,
    Attackers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Connection {
    client: End,
    client_key: TlsKey,
    server: End,
    server_key: TlsKey,
}

/// Evidence: who made it, in which role, over which connection's exporter, for whose nonce, with which keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Evidence {
    maker: End,
    server_role: bool,
    exporter: usize,
    nonce: usize,
    prover_key: TlsKey,
    verifier_key: TlsKey,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    connections: Vec<Connection>,
    /// Nonces (named by the connection on which the client made them) that the attacker knows.
    nonces: BTreeSet<usize>,
    /// Evidence that the attacker knows.
    known: BTreeSet<Evidence>,
    /// Connections on which the honest server was shown a nonce, with that nonce.
    asked: BTreeSet<(usize, usize)>,
    /// Connections that the client accepted.
    accepted: BTreeSet<usize>,
}

#[derive(Debug, Clone, PartialEq)]
enum Move {
    Open(Connection),
    /// The client's nonce of one connection reaches the server on another (relay) or the same (honest).
    Nonce(usize, usize),
    /// The honest server answers a nonce on a connection with evidence.
    Prove(usize, usize),
    /// Evidence is shown to the client on a connection.
    Show(Evidence, usize),
}

struct Handshake {
    /// Whether the report data holds the exporter.
    exporter: bool,
    /// Whether it holds the hashes of both keys.
    keys: bool,
    /// Whether the client's TLS key has leaked too, beside the server's.
    both_leaked: bool,
}

const MOST: usize = 4;

impl Model for Handshake {
    type State = State;
    type Action = Move;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            connections: Vec::new(),
            nonces: BTreeSet::new(),
            known: BTreeSet::new(),
            asked: BTreeSet::new(),
            accepted: BTreeSet::new(),
        }]
    }

    fn actions(&self, state: &State, moves: &mut Vec<Move>) {
        use End::{Attacker, Client, Server};
        use TlsKey::{Attackers, Clients, Servers};
        if state.connections.len() < MOST {
            for (client, client_key, server, server_key) in [
                (Client, Clients, Server, Servers),
                (Client, Clients, Attacker, Servers), // the leaked key
                (Client, Clients, Attacker, Attackers),
                (Attacker, Attackers, Server, Servers),
                (Attacker, Servers, Server, Servers), // the leaked key as a client's
            ] {
                moves.push(Move::Open(Connection { client, client_key, server, server_key }));
            }
            if self.both_leaked {
                let with_leaked =
                    Connection { client: Attacker, client_key: Clients, server: Server, server_key: Servers };
                moves.push(Move::Open(with_leaked));
            }
        }
        for (made_on, with_client) in state.connections.iter().enumerate().filter(|(_, c)| c.client == Client)
        {
            for (shown_on, with_server) in
                state.connections.iter().enumerate().filter(|(_, c)| c.server == Server)
            {
                let honest = made_on == shown_on && with_client.server == Server;
                let relayed = with_server.client == Attacker && state.nonces.contains(&made_on);
                if (honest || relayed) && !state.asked.contains(&(shown_on, made_on)) {
                    moves.push(Move::Nonce(made_on, shown_on));
                }
            }
        }
        for (connection, nonce) in &state.asked {
            moves.push(Move::Prove(*connection, *nonce));
        }
        for evidence in &state.known {
            for (connection, c) in state.connections.iter().enumerate() {
                if c.client == Client && (c.server == Attacker || c.server == Server) {
                    moves.push(Move::Show(*evidence, connection));
                }
            }
        }
    }

    fn next_state(&self, state: &State, action: Move) -> Option<State> {
        let mut next = state.clone();
        match action {
            Move::Open(connection) => {
                let index = next.connections.len();
                next.connections.push(connection);
                if connection.client == End::Client && connection.server == End::Attacker {
                    next.nonces.insert(index);
                    // On its own connection the attacker also sees the client's evidence, and may show it back.
                    next.known.insert(Evidence {
                        maker: End::Client,
                        server_role: false,
                        exporter: index,
                        nonce: index,
                        prover_key: connection.client_key,
                        verifier_key: connection.server_key,
                    });
                }
            }
            Move::Nonce(made_on, shown_on) => {
                next.asked.insert((shown_on, made_on));
            }
            Move::Prove(connection, nonce) => {
                let c = *state.connections.get(connection)?;
                let evidence = Evidence {
                    maker: End::Server,
                    server_role: true,
                    exporter: connection,
                    nonce,
                    prover_key: c.server_key,
                    verifier_key: c.client_key,
                };
                // On an honest connection it reaches the client; the attacker's copy is granted too, to be generous.
                next.known.insert(evidence);
            }
            Move::Show(evidence, connection) => {
                let c = state.connections.get(connection)?;
                let bound = evidence.server_role
                    && evidence.nonce == connection
                    && (!self.exporter || evidence.exporter == connection)
                    && (!self.keys
                        || (evidence.prover_key, evidence.verifier_key) == (c.server_key, c.client_key));
                if !bound {
                    return None;
                }
                next.accepted.insert(connection);
            }
        }
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(SOUND, |_, state: &State| {
                state
                    .accepted
                    .iter()
                    .all(|index| state.connections.get(*index).is_some_and(|c| c.server == End::Server))
            }),
            Property::sometimes("an honest connection is accepted", |_, state: &State| {
                !state.accepted.is_empty()
            }),
        ]
    }
}

const SOUND: &str = "an accepted connection ends in the honest server";

#[test]
fn no_attackers_move_gets_a_false_connection_accepted() {
    for both_leaked in [false, true] {
        let checked = Handshake { exporter: true, keys: true, both_leaked }.checker().spawn_bfs().join();
        checked.assert_properties();
        assert!(checked.unique_state_count() > 1_000, "{}", checked.unique_state_count());
    }
}

#[test]
fn without_the_exporter_the_search_finds_the_relay() {
    for weak in [
        Handshake { exporter: false, keys: false, both_leaked: false },
        Handshake { exporter: false, keys: true, both_leaked: true },
    ] {
        let checked = weak.checker().spawn_bfs().join();
        let path = checked.discovery(SOUND).expect("the relay is found").into_actions();
        assert!(path.iter().any(|m| matches!(m, Move::Prove(..))), "through honest evidence: {path:?}");
    }
}

/// The hashes of the keys alone hold as long as one of them has not leaked: said here so that nobody takes them for enough.
#[test]
fn the_key_hashes_alone_hold_against_one_leaked_key() {
    let checked = Handshake { exporter: false, keys: true, both_leaked: false }.checker().spawn_bfs().join();
    assert!(checked.discovery(SOUND).is_none());
}
