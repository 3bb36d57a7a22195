//! The small parts of which cells and lists are made.

use maud::{Markup, html};

use crate::{
    codes::system_words,
    header::{Address, Telecom},
    value::{Coded, Interval, Moment, Timing, Value},
};

/// A time: ISO first, the reader's form beside; what is no time is shown as written.
pub(super) fn moment(moment: Moment<'_>) -> Markup {
    match moment.parse() {
        Some(time) => html! {
            time datetime=(time.iso()) {
                span.iso { (time.iso_date()) }
                @if time.month.is_some() { " " span.reader { (time.words()) } }
                @if let Some(clock) = time.clock_words().filter(|clock| !clock.starts_with("00:00")) {
                    " " span.reader { (clock) }
                }
            }
        },
        None => html! { span.iso { (moment.raw()) } },
    }
}

/// An interval in words around its times.
pub(super) fn interval(interval: &Interval<'_>) -> Markup {
    html! {
        @if let Some(at) = interval.at { (moment(at)) }
        @if let Some(low) = interval.low {
            @if interval.high.is_none() { "since " } @else { "from " }
            (moment(low))
        }
        @if let Some(high) = interval.high { @if interval.low.is_some() { " to " } @else { "until " } (moment(high)) }
        @if let Some(width) = &interval.width { " for " (width.words()) }
        @if let (true, Some(null)) = (interval.is_empty(), interval.null_flavor) { span.reader { (null.words()) } }
    }
}

/// The interval of an optional time; nothing where there is none.
pub(super) fn maybe_interval(time: Option<&Interval<'_>>) -> Markup {
    html! { @if let Some(time) = time { (interval(time)) } }
}

/// Words of a code with a capital, for the start of a cell.
pub(super) fn coded_words(coded: &Coded<'_>) -> String {
    capital(&coded.words())
}

/// Text with its first letter as a capital.
pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// A coded value in a cell: words, then code and system, then what it was before it was transcoded.
pub(super) fn coded(value: &Coded<'_>) -> Markup {
    html! { (coded_words(value)) @if value.name().is_some() { (code_note(value)) } }
}

/// Optional coded value; words alone, for cells whose code says nothing to a reader.
pub(super) fn plain(value: Option<&Coded<'_>>) -> Markup {
    html! { @if let Some(value) = value { (coded_words(value)) } }
}

/// Code, system and the originals of a value.
pub(super) fn code_note(value: &Coded<'_>) -> Markup {
    let mut origins = Vec::new();
    originals(value, &mut origins);
    html! {
        @if let (Some(code), Some(system)) = (value.code, value.system) {
            span.code { (code) " " (system_words(system).or(value.system_name).unwrap_or(system)) }
        }
        @for original in origins { span.code { "originally " (original) } }
    }
}

/// What a value was before it was transcoded or translated, from the youngest to the oldest.
fn originals(value: &Coded<'_>, into: &mut Vec<String>) {
    for translation in &value.translations {
        let code = translation
            .code
            .zip(translation.system)
            .filter(|pair| Some(*pair) != value.code.zip(value.system));
        let code = code.map(|(code, system)| {
            format!(" ({code} {})", system_words(system).or(translation.system_name).unwrap_or(system))
        });
        let words = translation.display_name.unwrap_or_default();
        let line = format!("{words}{}", code.unwrap_or_default());
        if !line.trim().is_empty() {
            into.push(line);
        }
        originals(translation, into);
    }
}

/// The value of an observation.
pub(super) fn value(value: &Value<'_>) -> Markup {
    match value {
        Value::Coded(value) => coded(value),
        Value::Quantity(quantity) => html! { span.number { (quantity.words()) } },
        Value::Ratio(ratio) => html! { span.number { (ratio.words()) } },
        Value::Moment(time) => moment(*time),
        Value::Interval(time) => interval(time),
        Value::Text(text) => html! { (text) },
        Value::Null(null) => html! { @if let Some(null) = null { span.reader { (null.words()) } } },
    }
}

/// The parts of a dosing schedule that say how often; intervals are shown elsewhere.
pub(super) fn schedule(timings: &[Timing<'_>]) -> Markup {
    html! { @for timing in timings { (schedule_part(timing)) } }
}

fn schedule_part(timing: &Timing<'_>) -> Markup {
    match timing {
        Timing::Interval(_) | Timing::Null(_) => html! {},
        Timing::Periodic { period, institution_specified } => {
            html! {
                @if let Some(period) = period {
                    span.line { (frequency(period.value, period.unit, *institution_specified).unwrap_or_else(|| format!("every {}", period.words()))) }
                }
            }
        }
        Timing::Event { event, offset } => html! {
            @if let Some(event) = event {
                span.line {
                    @if let Some(offset) = offset.as_ref().filter(|offset| offset.value.is_some()) { (offset.words()) " " }
                    (event_words(event))
                }
            }
        },
        Timing::Combination(parts) => schedule(parts),
    }
}

/// "every 8 h" in a reader's words; "3 times a day" where the institution chooses the hours.
fn frequency(value: Option<&str>, unit: Option<&str>, institution_specified: bool) -> Option<String> {
    let value = value?;
    let (unit, hours) = match unit? {
        "h" => ("hour", 1),
        "d" => ("day", 24),
        "wk" => ("week", 0),
        "mo" => ("month", 0),
        "min" => ("minute", 0),
        _ => return None,
    };
    if let Ok(number) = value.parse::<u32>() {
        let period = number.saturating_mul(hours);
        if institution_specified && period > 0 && period < 24 && 24 % period == 0 {
            return Some(format!("{} times a day", 24 / period));
        }
        if number == 1 {
            return Some(format!("every {unit}"));
        }
    }
    Some(format!("every {value} {unit}s"))
}

/// Events of the day (HL7 TimingEvent), by the code where no words came with it.
fn event_words(event: &Coded<'_>) -> String {
    if event.display_name.is_some() || event.original_text.is_some() {
        return event.words();
    }
    let known = match event.code {
        Some("AC") => "before meals",
        Some("ACM") => "before breakfast",
        Some("ACD") => "before lunch",
        Some("ACV") => "before dinner",
        Some("C") => "with meals",
        Some("CM") => "with breakfast",
        Some("CD") => "with lunch",
        Some("CV") => "with dinner",
        Some("HS") => "before sleep",
        Some("IC") => "between meals",
        Some("PC") => "after meals",
        Some("PCM") => "after breakfast",
        Some("PCD") => "after lunch",
        Some("PCV") => "after dinner",
        Some("WAKE") => "on waking",
        _ => return event.words(),
    };
    known.to_owned()
}

/// The first interval of a schedule: from when to when.
pub(super) fn treatment_time(timings: &[Timing<'_>]) -> Markup {
    html! {
        @for timing in timings {
            @match timing {
                Timing::Interval(time) => span.line { (interval(time)) },
                Timing::Combination(parts) => (treatment_time(parts)),
                _ => {},
            }
        }
    }
}

/// An address as lines; none where it is empty.
pub(super) fn address(address: &Address<'_>) -> Option<Markup> {
    let lines = address.lines();
    (!lines.is_empty()).then(|| html! { @for line in lines { span.line { (line.reveal()) } } })
}

/// A telephone number or address without its scheme. Never a link: a document must not make a page dial or mail.
pub(super) fn telecom(telecom: &Telecom<'_>) -> Markup {
    let value = *telecom.value.reveal();
    let bare = ["tel:", "mailto:", "fax:"]
        .into_iter()
        .find_map(|scheme| value.strip_prefix(scheme))
        .unwrap_or(value);
    let usage = match telecom.usage {
        Some("H" | "HP" | "HV") => Some("home"),
        Some("WP" | "DIR" | "PUB") => Some("work"),
        Some("MC") => Some("mobile"),
        Some("EC") => Some("emergency"),
        _ => None,
    };
    html! { span.line { (bare) @if let Some(usage) = usage { " " span.reader { (usage) } } } }
}

/// A language tag that is safe and sensible in `lang`; the profile's samples use `xx-XX` for "any".
pub(super) fn language_tag(tag: &str) -> Option<&str> {
    let tag = tag.trim();
    let letters = tag.split('-').next().unwrap_or_default();
    let sound = tag.len() <= 12
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && (2..=3).contains(&letters.len())
        && !letters.eq_ignore_ascii_case("xx");
    sound.then_some(tag)
}
