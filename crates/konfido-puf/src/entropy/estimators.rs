//! Min-entropy estimators of SP 800-90B section 6.3 for binary data (one bit a byte).

/// Section 6.3.3, the Markov estimate over 128 bits.
#[must_use]
pub fn markov(bits: &[u8]) -> f64 {
    let n = bits.len();
    if n < 2 {
        return 0.0;
    }
    let ones = bits.iter().filter(|&&b| b == 1).count() as f64;
    let p1 = ones / n as f64;
    let mut pairs = [[0f64; 2]; 2];
    for (&a, &b) in bits.iter().zip(bits.iter().skip(1)) {
        if let Some(count) = pairs.get_mut(usize::from(a & 1)).and_then(|row| row.get_mut(usize::from(b & 1)))
        {
            *count += 1.0;
        }
    }
    let [[c00, c01], [c10, c11]] = pairs;
    let share = |a: f64, b: f64| if a + b > 0.0 { a / (a + b) } else { 0.0 };
    let (p00, p01, p10, p11) = (share(c00, c01), share(c01, c00), share(c10, c11), share(c11, c10));
    let log = |p: f64| if p > 0.0 { -p.log2() } else { f64::INFINITY };
    let p0 = 1.0 - p1;
    // The likeliest of the six sequences of 128 bits that can be the most likely one.
    let sequences = [
        log(p0) + 127.0 * log_or_zero(p00),
        log(p0) + 64.0 * log_or_zero(p01) + 63.0 * log_or_zero(p10),
        log(p0) + log_or_zero(p01) + 126.0 * log_or_zero(p11),
        log(p1) + log_or_zero(p10) + 126.0 * log_or_zero(p00),
        log(p1) + 64.0 * log_or_zero(p10) + 63.0 * log_or_zero(p01),
        log(p1) + 127.0 * log_or_zero(p11),
    ];
    (sequences.into_iter().fold(f64::INFINITY, f64::min) / 128.0).min(1.0)
}

fn log_or_zero(p: f64) -> f64 {
    if p > 0.0 { -p.log2() } else { f64::INFINITY }
}
