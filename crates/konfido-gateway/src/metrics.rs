//! What the gateway counts, as Prometheus text. No label ever carries anything of a person.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::tls::Agreed;

/// The counters of one node.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RoleLabels, Histogram>,
    accepted: Family<TlsLabels, Counter>,
    refused: Family<ReasonLabels, Counter>,
    repeats: Counter,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    role: &'static str,
    transaction: &'static str,
    peer: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RoleLabels {
    role: &'static str,
    transaction: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TlsLabels {
    version: &'static str,
    group: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("konfido");
        let requests = Family::default();
        let seconds = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let accepted = Family::default();
        let refused = Family::default();
        let repeats = Counter::default();
        registry.register(
            "requests",
            "Exchanges by role, transaction, peer country and outcome",
            requests.clone(),
        );
        registry.register("request_seconds", "Time from request to answer", seconds.clone());
        registry.register("tls_connections", "Handshakes done, by what they agreed on", accepted.clone());
        registry.register(
            "connections_refused",
            "Connections and requests turned away unread",
            refused.clone(),
        );
        registry.register("repeats", "Requests that were seen before", repeats.clone());
        Self { registry, requests, seconds, accepted, refused, repeats }
    }
}

impl Metrics {
    /// A request was answered, well or with an error.
    pub(crate) fn request(
        &self,
        role: &'static str,
        transaction: &'static str,
        peer: &str,
        outcome: &'static str,
        took: Duration,
    ) {
        self.requests
            .get_or_create(&RequestLabels { role, transaction, peer: peer.to_owned(), outcome })
            .inc();
        self.seconds.get_or_create(&RoleLabels { role, transaction }).observe(took.as_secs_f64());
    }

    /// A handshake was done.
    pub(crate) fn connection_accepted(&self, agreed: &Agreed) {
        self.accepted.get_or_create(&TlsLabels { version: agreed.version, group: agreed.group }).inc();
    }

    /// A connection or request was turned away before it was read.
    pub(crate) fn connection_refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// A request was a repeat.
    pub(crate) fn repeated(&self) {
        self.repeats.inc();
    }

    /// Everything in the text format of OpenMetrics, which Prometheus reads.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing into a string fails only if an encoder does; half a page is then better than none.
        let _complete = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_by_outcome() {
        let metrics = Metrics::default();
        metrics.request("ncp-a", "ITI-39", "DK", "answered", Duration::from_millis(3));
        let text = metrics.render();
        assert!(text.contains(
            r#"konfido_requests_total{role="ncp-a",transaction="ITI-39",peer="DK",outcome="answered"} 1"#
        ));
    }
}
