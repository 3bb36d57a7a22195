//! What a command says, and where: results to standard output, all else to standard error.
//!
//! Rules: with `--json` standard output carries exactly one JSON object and nothing else; colour and progress appear
//! only on a terminal; a closed pipe ends the output, never the program.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// The voice of a command.
#[derive(Clone, Debug)]
pub(crate) struct Ui {
    json: bool,
    quiet: bool,
    colour_out: bool,
    colour_err: bool,
    progress: bool,
}

impl Ui {
    /// Decides once what this run may show: `json` silences prose, `NO_COLOR` and pipes silence colour.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        let err_terminal = std::io::stderr().is_terminal();
        Self {
            json,
            quiet,
            colour_out: wanted && std::io::stdout().is_terminal(),
            colour_err: wanted && err_terminal,
            progress: err_terminal && !quiet,
        }
    }

    /// Whether the result is to be one JSON object.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// One line of the result for a human. Silent with `--json`.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        if !self.json {
            emit(&mut std::io::stdout().lock(), text.as_ref());
        }
    }

    /// Bytes of the result as they are (a document, a script). The caller decides what `--json` means for it.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        let _closed_pipe = out.write_all(bytes).and_then(|()| out.flush());
    }

    /// The one JSON object of a run with `--json`. Silent without.
    pub(crate) fn object(&self, value: &impl Serialize) {
        if self.json {
            let text = serde_json::to_string_pretty(value)
                .unwrap_or_else(|e| format!("{{\"ok\":false,\"error\":\"result is not JSON: {e}\"}}"));
            emit(&mut std::io::stdout().lock(), &text);
        }
    }

    /// A remark beside the result: standard error, silent with `--quiet`.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            emit(&mut std::io::stderr().lock(), text.as_ref());
        }
    }

    /// An error with its causes, one a line, on standard error.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let mut err = std::io::stderr().lock();
        let head = self.paint(self.colour_err, Tone::Bad, "error:");
        emit(&mut err, &format!("{head} {error}"));
        for cause in error.chain().skip(1) {
            emit(&mut err, &format!("  because {cause}"));
        }
    }

    /// One finished step: tick or cross, name, duration, what was checked. Silent with `--json`.
    pub(crate) fn step(&self, ok: bool, name: &str, took: Duration, detail: &str) {
        let sign = if ok {
            self.paint(self.colour_out, Tone::Good, "✓")
        } else {
            self.paint(self.colour_out, Tone::Bad, "✗")
        };
        let time = self.paint(self.colour_out, Tone::Dim, &format!("{:>9}", duration(took)));
        self.line(format!("{sign} {time}  {name:<34} {detail}"));
    }

    /// A heading of the result. Silent with `--json`.
    pub(crate) fn heading(&self, text: &str) {
        self.line(self.paint(self.colour_out, Tone::Strong, text));
    }

    /// A spinner for work that may take over a second; invisible unless standard error is a terminal.
    pub(crate) fn progress(&self, what: &str) -> Progress {
        if !self.progress {
            return Progress(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress(bar)
    }

    fn paint(&self, colour: bool, tone: Tone, text: &str) -> String {
        if !colour {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Dim => "2",
            Tone::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// A running spinner; it disappears when dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Says what is being done now.
    pub(crate) fn say(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[derive(Clone, Copy)]
enum Tone {
    Good,
    Bad,
    Dim,
    Strong,
}

/// `1.2 ms`, `340 µs`, `2.31 s`: three digits are enough for a reader.
pub(crate) fn duration(took: Duration) -> String {
    let micros = took.as_micros();
    if micros < 1_000 {
        format!("{micros} µs")
    } else if micros < 1_000_000 {
        format!("{:.1} ms", took.as_secs_f64() * 1_000.0)
    } else {
        format!("{:.2} s", took.as_secs_f64())
    }
}

fn emit(to: &mut impl Write, text: &str) {
    let _closed_pipe = writeln!(to, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(Duration::from_micros(340)), "340 µs");
        assert_eq!(duration(Duration::from_micros(1_200)), "1.2 ms");
        assert_eq!(duration(Duration::from_millis(2_310)), "2.31 s");
    }
}
