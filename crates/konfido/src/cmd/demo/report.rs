//! What the demo tells, for people as it goes and for scripts at the end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use konfido_gateway::observer::Fingerprint;
use serde::Serialize;

use crate::ui::Ui;

/// Steps so far.
#[derive(Debug)]
pub(super) struct Report<'u> {
    ui: &'u Ui,
    told: Told,
}

/// The one JSON object.
#[derive(Debug, Default, Serialize)]
pub(super) struct Told {
    ok: bool,
    steps: Vec<Step>,
    exchange: Option<Exchange>,
    audit: BTreeMap<String, usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixtures: Vec<Crossing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
}

#[derive(Debug, Serialize)]
struct Step {
    name: &'static str,
    ok: bool,
    duration_ms: f64,
    detail: String,
}

/// Digests of the bytes on both sides.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Exchange {
    document_sha256_sent: String,
    document_sha256_received: String,
    bytes: usize,
}

#[derive(Debug, Serialize)]
struct Crossing {
    document: String,
    #[serde(flatten)]
    exchange: Exchange,
    ok: bool,
}

impl Exchange {
    pub(super) fn new(sent: Option<Fingerprint>, received: Fingerprint, bytes: usize) -> Self {
        Self {
            document_sha256_sent: sent.map(|print| print.to_string()).unwrap_or_default(),
            document_sha256_received: received.to_string(),
            bytes,
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.document_sha256_sent == self.document_sha256_received
    }
}

impl<'u> Report<'u> {
    pub(super) fn new(ui: &'u Ui) -> Self {
        Self { ui, told: Told::default() }
    }

    /// Does a step, tells how it went, and passes its result on.
    pub(super) async fn step<T>(
        &mut self,
        name: &'static str,
        work: impl Future<Output = anyhow::Result<(T, String)>>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        let progress = self.ui.progress(name);
        let result = work.await;
        drop(progress);
        let took = begun.elapsed();
        match result {
            Ok((value, detail)) => {
                self.tell(name, true, took, detail);
                Ok(value)
            }
            Err(error) => {
                self.tell(name, false, took, format!("{error:#}"));
                Err(error.context(format!("step `{name}` failed")))
            }
        }
    }

    fn tell(&mut self, name: &'static str, ok: bool, took: Duration, detail: String) {
        self.ui.step(ok, name, took, &detail);
        self.told.steps.push(Step { name, ok, duration_ms: took.as_secs_f64() * 1_000.0, detail });
    }

    pub(super) fn exchanged(&mut self, exchange: Exchange) {
        self.told.exchange = Some(exchange);
    }

    pub(super) fn crossed(&mut self, document: String, exchange: Exchange) {
        let ok = exchange.is_whole();
        self.told.fixtures.push(Crossing { document, exchange, ok });
    }

    pub(super) fn page(&mut self, page: &std::path::Path) {
        self.told.page = Some(page.display().to_string());
    }

    pub(super) fn count_audit(&mut self, counts: &BTreeMap<String, usize>) {
        self.told.audit.clone_from(counts);
        let line: Vec<String> = counts.iter().map(|(country, n)| format!("{country} {n}")).collect();
        self.ui.line(format!("  audit messages                      {}", line.join(", ")));
    }

    /// Every step good, and every document whole.
    pub(super) fn is_ok(&self) -> bool {
        let whole = self.told.exchange.as_ref().is_some_and(Exchange::is_whole);
        whole && self.told.steps.iter().all(|step| step.ok) && self.told.fixtures.iter().all(|c| c.ok)
    }

    pub(super) fn finish(mut self) -> Told {
        self.told.ok = self.is_ok();
        self.told
    }
}
