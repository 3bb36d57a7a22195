//! The report: one self-contained page, no script, no foreign asset.

use std::fmt::Write as _;

use base64::Engine as _;

use super::chart::{Chart, Kind, Series};
use super::{Evaluation, log10_failure, log10_tail, moments};
use crate::device::{Frame, Provenance};

const STYLE: &str = "
:root{--ink:#1c2430;--soft:#5d6b7c;--line:#e3e8ee;--paper:#fff;--wash:#f5f7fa;--a:#0b6e8f;--b:#b9c4d0;--c:#d98a1f;
color-scheme:light}
*{box-sizing:border-box}body{margin:0;background:var(--wash);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
main{max-width:1180px;margin:0 auto;padding:48px 28px 64px}
h1{font-size:30px;line-height:1.2;margin:0 0 6px;letter-spacing:-.01em}h2{font-size:18px;margin:0 0 4px}
.sub{color:var(--soft);margin:0 0 28px}.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(180px,1fr));
gap:14px;margin-bottom:28px}.tile,.card{background:var(--paper);border:1px solid var(--line);border-radius:12px}
.tile{padding:16px 18px}.tile b{display:block;font-size:26px;font-weight:600;font-variant-numeric:tabular-nums;
letter-spacing:-.01em}.tile span{color:var(--soft);font-size:13.5px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(430px,1fr));gap:18px}
.card{padding:22px 24px 16px}.card p.note{color:var(--soft);font-size:14px;margin:0 0 12px}
svg{display:block;width:100%;height:auto}.grid line{stroke:var(--line)}
svg text{font-size:12px;fill:var(--soft);font-variant-numeric:tabular-nums}svg text.name{fill:var(--ink)}
rect.a,circle.a{fill:var(--a)}rect.b,circle.b{fill:var(--b)}rect.c,circle.c{fill:var(--c)}
polyline{fill:none;stroke-width:2.2;stroke-linejoin:round}polyline.a{stroke:var(--a)}polyline.b{stroke:#8795a6}
polyline.c{stroke:var(--c)}polyline.dashed{stroke-dasharray:5 5;stroke-width:1.8}
.marker line{stroke:var(--ink);stroke-dasharray:2 3}.marker text{fill:var(--ink)}
.legend{margin:8px 0 0;font-size:13.5px;color:var(--soft)}.legend span{margin-right:20px}
.legend span::before{content:'';display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:7px;
vertical-align:-1px}.legend .a::before{background:var(--a)}.legend .b::before{background:#9aa8b8}
.legend .c::before{background:var(--c)}
.speckles{display:grid;grid-template-columns:repeat(3,1fr);gap:14px;margin-top:10px}figure{margin:0}
figure img{width:100%;image-rendering:pixelated;border-radius:8px;display:block;background:#000}
figcaption{font-size:13.5px;color:var(--soft);margin-top:6px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14.5px}
td,th{padding:7px 0;border-bottom:1px solid var(--line);text-align:left;font-weight:400}
td+td,th+th{text-align:right}th{color:var(--soft);font-size:13px}
.wide{grid-column:1/-1}footer{color:var(--soft);font-size:13.5px;margin-top:28px}
@media(max-width:520px){.cards{grid-template-columns:1fr}}
@media print{body{background:#fff}.card,.tile{break-inside:avoid}main{padding:0}}";

/// The page of an evaluation of `device` in `surroundings`.
#[must_use]
pub fn page(evaluation: &Evaluation, device: &str, surroundings: &str) -> String {
    let s = &evaluation.summary;
    let mut out = String::with_capacity(400_000);
    let _ = write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Token evaluation</title><style>{STYLE}</style></head><body><main>\
         <h1>How unique, how reliable is this token?</h1><p class=\"sub\">{} · model {} · {} token{}</p>",
        escape(device),
        escape(&s.model),
        s.provenance,
        if s.provenance == Provenance::Simulated {
            format!(", surroundings {}", escape(surroundings))
        } else {
            String::new()
        }
    );
    let tile =
        |value: String, name: &str| format!("<div class=\"tile\"><b>{value}</b><span>{name}</span></div>");
    out.push_str("<section class=\"tiles\">");
    out.push_str(&tile(format!("{:.4}", s.inter_mean), "mean distance between challenges (ideal 0.5)"));
    out.push_str(&tile(format!("{:.4}", s.intra_mean), "mean distance between measurements, all bits"));
    out.push_str(&tile(format!("{:.3} %", 100.0 * s.selected_error_rate), "error rate of the selected bits"));
    out.push_str(&tile(
        format!("{} / {}", s.errors_most, s.correctable),
        "most errors in a word, of those correctable",
    ));
    out.push_str(&tile(
        format!("10<sup>{:.0}</sup>", s.log10_equal_error),
        "equal error rate on one challenge, extrapolated",
    ));
    out.push_str("</section><section class=\"cards\">");
    card(
        &mut out,
        "Distances",
        "Bits that differ between two measurements of one challenge, and between two challenges. \
         The gap between the two heaps is what tells tokens apart.",
        &distances(evaluation).svg("histogram of distances"),
    );
    card(
        &mut out,
        "Errors against what the code corrects",
        "Errors in the 2047 selected bits, measurement by measurement, \
         before registration. Half of the correctable number is the line at which to enrol anew.",
        &errors(evaluation).svg("errors in each measurement"),
    );
    card(
        &mut out,
        "Acceptance threshold",
        "Chance to accept a stranger and to reject the owner on all bits of one challenge, \
         Gaussian tails of the measured distances.",
        &rates(evaluation).svg("error rates against threshold"),
    );
    card(
        &mut out,
        "Receiver operating characteristic",
        "The same two chances against each other. A curve along the left and \
         lower edge is a token that is never confused.",
        &characteristic(evaluation).svg("ROC"),
    );
    card(
        &mut out,
        "Key failure against the code's strength",
        "Chance that the selected bits hold more than t errors, if they \
         err independently at the measured rate (at least one in 10 000) and at 5 %.",
        &failure(evaluation).svg("key failure against t"),
    );
    card(
        &mut out,
        "Grain",
        "Autocovariance of one frame along a row, and theory for a circular pupil where the model has one. \
         A wider curve is a camera out of focus.",
        &grain(evaluation).svg("autocovariance"),
    );
    if !evaluation.samples.is_empty() {
        out.push_str("<div class=\"card wide\"><h2>Speckles</h2><p class=\"note\">What the camera sees, by challenges made for \
             this page and thrown away.</p><div class=\"speckles\">");
        for (name, frame) in &evaluation.samples {
            if let Some(picture) = picture(frame) {
                let _ = write!(
                    out,
                    "<figure><img alt=\"speckle, {name}\" src=\"data:image/png;base64,{picture}\"><figcaption>{name}</figcaption></figure>"
                );
            }
        }
        out.push_str("</div></div>");
    }
    out.push_str(&table(evaluation));
    out.push_str("</section><footer>");
    if s.provenance != Provenance::Physical {
        let _ = write!(
            out,
            "A {} token keeps no secret; its figures say how the pipeline behaves, not how secret a key is. ",
            s.provenance
        );
    }
    out.push_str("Written by <code>konfido puf evaluate</code>.</footer></main></body></html>\n");
    out
}

fn card(out: &mut String, title: &str, note: &str, body: &str) {
    let _ = write!(out, "<div class=\"card\"><h2>{title}</h2><p class=\"note\">{note}</p>{body}</div>");
}

fn histogram(values: &[f64], bins: usize, top: f64) -> Vec<(f64, f64)> {
    let mut counts = vec![0u32; bins];
    for value in values {
        if let Some(count) = counts.get_mut((value / top * bins as f64) as usize) {
            *count += 1;
        }
    }
    counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(i, &c)| ((i as f64 + 0.5) * top / bins as f64, f64::from(c) / values.len().max(1) as f64))
        .collect()
}

fn distances(e: &Evaluation) -> Chart {
    let (bins, top) = (120, 0.6);
    let (intra, inter) = (histogram(&e.intra, bins, top), histogram(&e.inter, bins, top));
    let highest = intra.iter().chain(&inter).map(|p| p.1).fold(0.05, f64::max);
    let width = top / bins as f64;
    Chart {
        x: ("fractional Hamming distance", 0.0, top),
        y: ("share", 0.0, highest * 1.12),
        series: vec![
            Series {
                name: "same challenge, measured again".into(),
                kind: Kind::Bars(width),
                class: "a",
                points: intra,
            },
            Series { name: "two challenges".into(), kind: Kind::Bars(width), class: "c", points: inter },
        ],
        markers: vec![(0.5, "ideal".into())],
        powers: false,
    }
}

fn errors(e: &Evaluation) -> Chart {
    let t = f64::from(e.summary.correctable);
    let count = e.errors.len().max(1) as f64;
    let points = e.errors.iter().enumerate().map(|(i, &n)| (i as f64 + 1.0, f64::from(n))).collect();
    let line = |y: f64| vec![(0.0, y), (count + 1.0, y)];
    Chart {
        x: ("measurement", 0.0, count + 1.0),
        y: ("wrong bits of 2047", 0.0, t * 1.15),
        series: vec![
            Series { name: "measured".into(), kind: Kind::Dots, class: "a", points },
            Series {
                name: format!("warning at {:.0}", t / 2.0),
                kind: Kind::Theory,
                class: "c",
                points: line(t / 2.0),
            },
            Series { name: format!("correctable: {t:.0}"), kind: Kind::Line, class: "b", points: line(t) },
        ],
        markers: Vec::new(),
        powers: false,
    }
}

/// Logarithms of false acceptance and false rejection at a threshold.
fn tails(e: &Evaluation, threshold: f64) -> (f64, f64) {
    let (mean, deviation) = moments(&e.intra);
    let s = &e.summary;
    let safe = |d: f64| d.max(1e-4);
    (
        log10_tail((s.inter_mean - threshold) / safe(s.inter_deviation)),
        log10_tail((threshold - mean) / safe(deviation)),
    )
}

fn rates(e: &Evaluation) -> Chart {
    let thresholds = (0..=200).map(|i| f64::from(i) * 0.6 / 200.0);
    let (accept, reject): (Vec<_>, Vec<_>) = thresholds
        .map(|x| {
            let (a, r) = tails(e, x);
            ((x, a), (x, r))
        })
        .unzip();
    Chart {
        x: ("threshold on the distance", 0.0, 0.6),
        y: ("probability", -60.0, 0.0),
        series: vec![
            Series { name: "a stranger is accepted".into(), kind: Kind::Line, class: "c", points: accept },
            Series { name: "the owner is rejected".into(), kind: Kind::Line, class: "a", points: reject },
        ],
        markers: Vec::new(),
        powers: true,
    }
}

fn characteristic(e: &Evaluation) -> Chart {
    let points = (0..=600).map(|i| tails(e, f64::from(i) * 0.001)).collect();
    Chart {
        x: ("false acceptance, power of ten", -40.0, 0.0),
        y: ("false rejection", -40.0, 0.0),
        series: vec![
            Series { name: "this token".into(), kind: Kind::Line, class: "a", points },
            Series {
                name: "equal error".into(),
                kind: Kind::Theory,
                class: "b",
                points: vec![(-40.0, -40.0), (0.0, 0.0)],
            },
        ],
        markers: Vec::new(),
        powers: true,
    }
}

fn failure(e: &Evaluation) -> Chart {
    let curve = |p: f64| (1..=240).map(|t| (f64::from(t), log10_failure(p, t))).collect::<Vec<_>>();
    let measured = e.summary.selected_error_rate.max(1e-4);
    let t = f64::from(e.summary.correctable);
    Chart {
        x: ("errors corrected, t", 0.0, 240.0),
        y: ("key does not come back", -30.0, 0.0),
        series: vec![
            Series {
                name: format!("at {:.2} %", 100.0 * measured),
                kind: Kind::Line,
                class: "a",
                points: curve(measured),
            },
            Series { name: "at 5 %".into(), kind: Kind::Line, class: "c", points: curve(0.05) },
            Series {
                name: "one in 10⁹".into(),
                kind: Kind::Theory,
                class: "b",
                points: vec![(0.0, -9.0), (240.0, -9.0)],
            },
        ],
        markers: vec![(t, format!("t = {t:.0}"))],
        powers: true,
    }
}

fn grain(e: &Evaluation) -> Chart {
    let measured: Vec<(f64, f64)> = e.covariance.iter().enumerate().map(|(i, &c)| (i as f64, c)).collect();
    let mut series = vec![Series { name: "measured".into(), kind: Kind::Dots, class: "a", points: measured }];
    if e.summary.model.starts_with("sim-") {
        let theory = (0..=150)
            .map(|i| {
                let lag = f64::from(i) / 10.0;
                (lag, airy(std::f64::consts::TAU * 36.0 * lag / 256.0))
            })
            .collect();
        series.push(Series { name: "theory (Airy)".into(), kind: Kind::Theory, class: "c", points: theory });
    }
    Chart {
        x: ("lag, pixels", 0.0, 15.0),
        y: ("autocovariance", -0.2, 1.0),
        series,
        markers: Vec::new(),
        powers: false,
    }
}

/// (2 J1(u) / u)^2, J1 by its integral.
pub(super) fn airy(u: f64) -> f64 {
    if u.abs() < 1e-6 {
        return 1.0;
    }
    let steps = 200;
    let integral: f64 = (0..steps)
        .map(|i| {
            let angle = (f64::from(i) + 0.5) * std::f64::consts::PI / f64::from(steps);
            (angle - u * angle.sin()).cos()
        })
        .sum::<f64>()
        / f64::from(steps);
    (2.0 * integral / u).powi(2)
}

fn table(e: &Evaluation) -> String {
    let s = &e.summary;
    let rows = [
        ("bits of one challenge", format!("{}", s.bits), "–"),
        ("distance between challenges", format!("{:.4} ± {:.4}", s.inter_mean, s.inter_deviation), "0.5"),
        ("independent bits by that spread", format!("{:.0}", s.degrees_of_freedom), "as many as bits"),
        ("distance between measurements, most", format!("{:.4}", s.intra_most), "small"),
        ("errors in a word, mean", format!("{:.2}", s.errors_mean), "below 85"),
        ("contrast", format!("{:.4}", s.frame.contrast), "1"),
        ("second moment", format!("{:.4}", s.frame.second_moment), "2"),
        ("grain at half height, pixels", format!("{:.2}", s.frame.grain), "2 to 4"),
        ("mean brightness, share of full scale", format!("{:.3}", s.frame.brightness), "0.03 to 0.35"),
        ("saturated pixels", format!("{:.3} %", 100.0 * s.frame.saturated), "below 1 %"),
    ];
    let mut out = String::from(
        "<div class=\"card wide\"><h2>Figures</h2><table><tr><th>figure</th><th>measured</th><th>wanted</th></tr>",
    );
    for (name, value, wanted) in rows {
        let _ = write!(out, "<tr><td>{name}</td><td>{value}</td><td>{wanted}</td></tr>");
    }
    out.push_str("</table></div>");
    out
}

/// The frame as base64 of an 8-bit PNG, brightened to its 99th percentile.
fn picture(frame: &Frame) -> Option<String> {
    let mut sorted = frame.pixels().to_vec();
    sorted.sort_unstable();
    let low = f32::from(*sorted.first()?);
    let high = f32::from(*sorted.get(sorted.len() * 99 / 100)?).max(low + 1.0);
    let bytes =
        frame.pixels().iter().map(|&p| (((f32::from(p) - low) / (high - low)).clamp(0.0, 1.0) * 255.0) as u8);
    let image: image::GrayImage =
        image::ImageBuffer::from_raw(frame.width() as u32, frame.height() as u32, bytes.collect())?;
    let mut png = std::io::Cursor::new(Vec::new());
    image.write_to(&mut png, image::ImageFormat::Png).ok()?;
    Some(base64::engine::general_purpose::STANDARD.encode(png.into_inner()))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
