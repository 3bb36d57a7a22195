//! Why a key did not come back, or how near it was to not coming back.
//!
//! The refusal itself says nothing (see [`crate::error`]); the doctor looks at frames that the operator may look at
//! anyway, and at the margin of a regeneration that succeeded. It stores nothing and counts as an attempt.

use crate::device::{Challenge, SpeckleDevice};
use crate::error::{PufError, Result};
use crate::extractor::Margin;
use crate::hash::Projection;
use crate::speckle::{FrameFigures, correlation};
use crate::store::Store;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Good,
    /// Works, but will not for ever.
    Warning,
    /// Explains a key that does not come back.
    Bad,
}

/// One finding.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was found and what is expected.
    pub found: String,
    /// What to do, where something is to be done.
    pub advice: &'static str,
}

/// Half-height grain of speckle behind the device model's pupil, in pixels; unknown for other models.
fn expected_grain(model: &str) -> Option<f64> {
    // (2 J1(u)/u)^2 = 1/2 at u = 1.616, u = 2 pi R d / G with R = 36, G = 256.
    model.starts_with("sim-").then_some(1.616 * 256.0 / (std::f64::consts::TAU * 36.0))
}

/// Looks at the frames of one challenge.
pub fn examine_frames(
    device: &mut dyn SpeckleDevice,
    dark: f32,
    challenge: &Challenge,
) -> Result<Vec<Finding>> {
    device.set_challenge(challenge)?;
    let frames = device.capture(4)?;
    let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
        return Err(PufError::Device("no frame".into()));
    };
    let figures = FrameFigures::of(first, dark);
    let mut findings = Vec::new();
    let mut add = |check, severity, found: String, advice| {
        let advice = if severity == Severity::Good { "" } else { advice };
        findings.push(Finding { check, severity, found, advice });
    };
    let graded = |bad: bool, warning: bool| match (bad, warning) {
        (true, _) => Severity::Bad,
        (_, true) => Severity::Warning,
        _ => Severity::Good,
    };
    let b = figures.brightness;
    add(
        "brightness",
        graded(!(0.01..0.5).contains(&b), !(0.03..0.35).contains(&b)),
        format!("mean at {:.1} % of full scale (3 to 35 % wanted)", 100.0 * b),
        "set laser power or exposure",
    );
    add(
        "saturation",
        graded(figures.saturated > 0.05, figures.saturated > 0.01),
        format!("{:.2} % of the pixels at full scale (below 1 % wanted)", 100.0 * figures.saturated),
        "lower laser power or exposure",
    );
    add(
        "contrast",
        graded(figures.contrast < 0.5, !(0.8..1.2).contains(&figures.contrast)),
        format!("{:.3} (1 for fully developed speckle)", figures.contrast),
        "low contrast is blur, vibration during exposure, or a laser in several modes",
    );
    if let Some(expected) = expected_grain(&device.info().model) {
        let ratio = figures.grain / expected;
        add(
            "focus",
            graded(!(0.5..2.0).contains(&ratio), !(0.8..1.25).contains(&ratio)),
            format!("grain of {:.2} px ({expected:.2} px expected)", figures.grain),
            "refocus, or restore aperture and distance of the enrolment",
        );
    }
    let stable = correlation(first, last);
    add(
        "stability",
        graded(stable < 0.9, stable < 0.98),
        format!("correlation {stable:.4} from the first frame to the fourth (above 0.98 wanted)"),
        "let the laser warm up; look for vibration and mode hops",
    );
    Ok(findings)
}

/// What the margin of a successful regeneration says.
#[must_use]
pub fn examine_margin(margin: &Margin) -> Vec<Finding> {
    let share = f64::from(margin.errors) / f64::from(margin.correctable.max(1));
    let displaced = f64::from(margin.shift.0.hypot(margin.shift.1));
    let graded = |warning| if warning { Severity::Warning } else { Severity::Good };
    let said = |warning: bool, text: &'static str| if warning { text } else { "" };
    vec![
        Finding {
            check: "margin",
            severity: graded(margin.is_thin()),
            found: format!(
                "{} of {} correctable errors ({:.0} %)",
                margin.errors,
                margin.correctable,
                100.0 * share
            ),
            advice: said(margin.is_thin(), "enrol anew while the key still comes back"),
        },
        Finding {
            check: "shift",
            severity: graded(displaced >= 1.0),
            found: format!("{:+.1} px, {:+.1} px undone", margin.shift.0, margin.shift.1),
            advice: said(displaced >= 1.0, "the mount has moved: fasten token and camera"),
        },
        Finding {
            check: "temperature",
            severity: graded(margin.detuning != 0.0),
            found: format!("laser detuned by {:+.2}/tau to follow the token", margin.detuning),
            advice: said(
                margin.detuning != 0.0,
                "token temperature or laser wavelength differs from the enrolment",
            ),
        },
    ]
}

/// The whole examination of an enrolled token.
pub fn examine(
    store: &Store,
    device: &mut dyn SpeckleDevice,
    projection: &dyn Projection,
    dark: f32,
    context: &[u8],
    now: i64,
) -> Result<Vec<Finding>> {
    let helper = store.helper()?;
    device.begin()?;
    let mut findings = match helper.challenges().first() {
        Some(challenge) => examine_frames(device, dark, challenge)?,
        None => Vec::new(),
    };
    match store.regenerate(device, projection, context, now) {
        Ok(again) => findings.extend(examine_margin(&again.margin)),
        Err(PufError::NotRegenerated) => findings.push(Finding {
            check: "key",
            severity: Severity::Bad,
            found: "did not come back in any of the tries".into(),
            advice: if findings.iter().all(|f| f.severity == Severity::Good) {
                "the frames are fine: another token, another fixture position, more than 1 px of shift, or a \
                 temperature beyond the detuning range"
            } else {
                "cure what is found above first"
            },
        }),
        Err(PufError::Locked { until }) => findings.push(Finding {
            check: "key",
            severity: Severity::Bad,
            found: format!("not tried: too many failures, locked until Unix time {until}"),
            advice: "wait, and cure what is found above",
        }),
        Err(other) => return Err(other),
    }
    Ok(findings)
}
