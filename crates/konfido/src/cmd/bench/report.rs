//! What every bench prints: `{"bench", "results", "ratios", "machine"}`.

use serde::Serialize;

use crate::ui::Ui;

/// The outcome of one bench.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    bench: &'static str,
    results: Vec<Figure>,
    ratios: Vec<Ratio>,
    machine: Machine,
}

#[derive(Debug, Serialize)]
struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
}

#[derive(Debug, Serialize)]
struct Ratio {
    name: &'static str,
    value: f64,
    goal: &'static str,
    peer: String,
}

#[derive(Debug, Serialize)]
struct Machine {
    cpu: String,
    cores: usize,
}

impl Report {
    /// An empty report of `bench`.
    pub(crate) fn new(bench: &'static str) -> Self {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = info
            .lines()
            .find_map(|line| {
                line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned())
            })
            .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { bench, results: Vec::new(), ratios: Vec::new(), machine: Machine { cpu, cores } }
    }

    /// Adds a figure.
    pub(crate) fn result(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.results.push(Figure { name, value, unit });
    }

    /// Adds a comparison; `goal` is `"<=2.0"` or `">=3.0"`.
    pub(crate) fn ratio(&mut self, name: &'static str, value: f64, goal: &'static str, peer: String) {
        self.ratios.push(Ratio { name, value, goal, peer });
    }

    /// Says it.
    pub(crate) fn print(&self, ui: &Ui) {
        ui.heading(&format!("bench {} on {} ({} cores)", self.bench, self.machine.cpu, self.machine.cores));
        for figure in &self.results {
            ui.line(format!("  {:<28} {:>12.3} {}", figure.name, figure.value, figure.unit));
        }
        for ratio in &self.ratios {
            ui.line(format!(
                "  {:<28} {:>12.2} × {} (goal {})",
                ratio.name, ratio.value, ratio.peer, ratio.goal
            ));
        }
        ui.object(self);
    }
}
