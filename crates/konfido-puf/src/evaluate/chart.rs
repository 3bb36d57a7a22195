//! Plots as inline SVG: lines, bars, dots, markers. One accent colour, readable in print.

use std::fmt::Write as _;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 46.0;

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// A line through the points.
    Line,
    /// A dashed line: theory.
    Theory,
    /// Bars from zero, of this width in data units.
    Bars(f64),
    /// Dots.
    Dots,
}

/// One series.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Class of the stylesheet: `a`, `b` or `c`.
    pub(super) class: &'static str,
    pub(super) points: Vec<(f64, f64)>,
}

/// A plot.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) x: (&'static str, f64, f64),
    pub(super) y: (&'static str, f64, f64),
    pub(super) series: Vec<Series>,
    /// Vertical lines with their names.
    pub(super) markers: Vec<(f64, String)>,
    /// Whether the y axis counts powers of ten.
    pub(super) powers: bool,
}

impl Chart {
    /// The plot as SVG.
    pub(super) fn svg(&self, description: &str) -> String {
        let mut out = String::new();
        let (x_name, x0, x1) = self.x;
        let (y_name, y0, y1) = self.y;
        let px = |x: f64| LEFT + (x - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT);
        let py = |y: f64| HEIGHT - BOTTOM - (y.clamp(y0, y1) - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM);
        let _ = write!(
            out,
            r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{description}"><g class="grid">"#
        );
        for y in ticks(y0, y1, 5) {
            let at = py(y);
            let label = if self.powers { power(y) } else { number(y) };
            let _ = write!(
                out,
                r#"<line x1="{LEFT}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{label}</text>"#,
                WIDTH - RIGHT,
                LEFT - 8.0,
                at + 4.0
            );
        }
        for x in ticks(x0, x1, 6) {
            let at = px(x);
            let _ = write!(
                out,
                r#"<text x="{at:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                HEIGHT - BOTTOM + 18.0,
                number(x)
            );
        }
        let _ = write!(
            out,
            r#"<text class="name" x="{:.1}" y="{:.1}" text-anchor="middle">{x_name}</text><text class="name" transform="translate(14 {:.1}) rotate(-90)" text-anchor="middle">{y_name}</text></g>"#,
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 8.0,
            (TOP + HEIGHT - BOTTOM) / 2.0
        );
        for series in &self.series {
            let inside = series.points.iter().filter(|(x, _)| (x0..=x1).contains(x));
            match series.kind {
                Kind::Bars(width) => {
                    for (x, y) in inside {
                        let (left, right) = (px(x - width / 2.0), px(x + width / 2.0));
                        let _ = write!(
                            out,
                            r#"<rect class="{}" x="{left:.1}" y="{:.1}" width="{:.1}" height="{:.1}"/>"#,
                            series.class,
                            py(*y),
                            (right - left - 0.6).max(0.8),
                            (py(y0.max(0.0)) - py(*y)).max(0.0)
                        );
                    }
                }
                Kind::Dots => {
                    for (x, y) in inside {
                        let _ = write!(
                            out,
                            r#"<circle class="{}" cx="{:.1}" cy="{:.1}" r="3"/>"#,
                            series.class,
                            px(*x),
                            py(*y)
                        );
                    }
                }
                Kind::Line | Kind::Theory => {
                    let path: Vec<String> =
                        inside.map(|(x, y)| format!("{:.1},{:.1}", px(*x), py(*y))).collect();
                    let dashed = if series.kind == Kind::Theory { " dashed" } else { "" };
                    let _ = write!(
                        out,
                        r#"<polyline class="{}{dashed}" points="{}"/>"#,
                        series.class,
                        path.join(" ")
                    );
                }
            }
        }
        for (x, name) in &self.markers {
            let at = px(*x);
            let side = if at > WIDTH * 0.7 { ("end", -5.0) } else { ("start", 5.0) };
            let _ = write!(
                out,
                r#"<g class="marker"><line x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="{}">{name}</text></g>"#,
                HEIGHT - BOTTOM,
                at + side.1,
                TOP + 11.0,
                side.0
            );
        }
        out.push_str("</svg><p class=\"legend\">");
        for series in &self.series {
            let _ = write!(out, r#"<span class="{}">{}</span>"#, series.class, series.name);
        }
        out.push_str("</p>");
        out
    }
}

/// About `count` round numbers between `low` and `high`.
fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let raw = (high - low) / count as f64;
    let magnitude = 10f64.powf(raw.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * magnitude).find(|s| *s >= raw * 0.999).unwrap_or(raw);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

fn number(value: f64) -> String {
    if value == 0.0 {
        "0".into()
    } else if value.abs() >= 10.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

fn power(exponent: f64) -> String {
    if exponent == 0.0 {
        return "1".into();
    }
    let digits: String = format!("{exponent:.0}")
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            d @ '0' => char::from_u32(0x2070 + d as u32 - '0' as u32).unwrap_or(d),
            d => char::from_u32(0x2070 + (d as u32 - '0' as u32)).unwrap_or(d),
        })
        .collect();
    format!("10{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_round() {
        assert_eq!(ticks(0.0, 0.5, 5), vec![0.0, 0.1, 0.2, 0.30000000000000004, 0.4, 0.5]);
        assert_eq!(ticks(-40.0, 0.0, 5).len(), 5);
        assert_eq!(
            (number(0.5).as_str(), number(170.0).as_str(), power(-9.0).as_str()),
            ("0.5", "170", "10⁻⁹")
        );
    }
}
