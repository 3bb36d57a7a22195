//! Min-entropy estimators of SP 800-90B section 6.3 for binary data (one bit a byte), those that need no prediction:
//! most common value, collision, Markov, compression, t-tuple, longest repeated substring. Held to NIST's own tool.
//! The four predictors of sections 6.3.7 to 6.3.10 stay with that tool (`interop/puf`).

/// Upper 99.5 % point of the normal distribution.
const Z_ALPHA: f64 = 2.575_829_303_548_900_8;

/// All estimates of one sample.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Estimates {
    /// Section 6.3.1.
    pub most_common_value: f64,
    /// Section 6.3.2.
    pub collision: f64,
    /// Section 6.3.3.
    pub markov: f64,
    /// Section 6.3.4.
    pub compression: f64,
    /// Section 6.3.5.
    pub t_tuple: f64,
    /// Section 6.3.6.
    pub longest_repeat: f64,
}

impl Estimates {
    /// Estimates on `bits`, each 0 or 1.
    #[must_use]
    pub fn of(bits: &[u8]) -> Self {
        let (t_tuple, longest_repeat) = tuples(bits);
        Self {
            most_common_value: most_common_value(bits),
            collision: collision(bits),
            markov: markov(bits),
            compression: compression(bits),
            t_tuple,
            longest_repeat,
        }
    }

    /// The least of them.
    #[must_use]
    pub fn min(&self) -> f64 {
        [
            self.most_common_value,
            self.collision,
            self.markov,
            self.compression,
            self.t_tuple,
            self.longest_repeat,
        ]
        .into_iter()
        .fold(1.0, f64::min)
    }
}

/// -log2 of the upper confidence bound of a probability estimated on `n` samples.
fn bounded(p: f64, n: usize) -> f64 {
    -(p + Z_ALPHA * (p * (1.0 - p) / (n as f64 - 1.0)).sqrt()).min(1.0).log2()
}

/// Section 6.3.1.
#[must_use]
pub fn most_common_value(bits: &[u8]) -> f64 {
    if bits.len() < 2 {
        return 0.0;
    }
    let ones = bits.iter().filter(|&&b| b == 1).count();
    bounded(ones.max(bits.len() - ones) as f64 / bits.len() as f64, bits.len())
}

/// Section 6.3.2; for bits its equation solves in closed form: mean = 2 + 2p - 2p^2.
#[must_use]
pub fn collision(bits: &[u8]) -> f64 {
    let (mut count, mut sum, mut squares) = (0.0f64, 0.0f64, 0.0f64);
    let mut rest = bits;
    loop {
        let waited = match rest {
            [a, b, ..] if a == b => 2,
            [_, _, _, ..] => 3,
            _ => break,
        };
        rest = rest.get(waited..).unwrap_or_default();
        count += 1.0;
        sum += waited as f64;
        squares += (waited * waited) as f64;
    }
    if count < 2.0 {
        return 0.0;
    }
    let mean = sum / count;
    let deviation = ((squares - sum * mean) / (count - 1.0)).max(0.0).sqrt();
    let bound = (mean - Z_ALPHA * deviation / count.sqrt()).max(2.0);
    if bound < 2.5 { -(0.5 + (1.25 - 0.5 * bound).sqrt()).log2() } else { 1.0 }
}

/// Section 6.3.3, the Markov estimate over 128 bits.
#[must_use]
pub fn markov(bits: &[u8]) -> f64 {
    let n = bits.len();
    if n < 2 {
        return 0.0;
    }
    let p1 = bits.iter().filter(|&&b| b == 1).count() as f64 / n as f64;
    let p0 = 1.0 - p1;
    let mut pairs = [[0f64; 2]; 2];
    for (&a, &b) in bits.iter().zip(bits.iter().skip(1)) {
        if let Some(count) = pairs.get_mut(usize::from(a & 1)).and_then(|row| row.get_mut(usize::from(b & 1)))
        {
            *count += 1.0;
        }
    }
    let [[c00, c01], [c10, c11]] = pairs;
    let share = |a: f64, b: f64| if a > 0.0 { a / (a + b) } else { 0.0 };
    let (p00, p01, p10, p11) = (share(c00, c01), share(c01, c00), share(c10, c11), share(c11, c10));
    // Bits of a probability; a sequence that never occurs is out of the running.
    let bits_of = |p: f64| if p > 0.0 { -p.log2() } else { f64::INFINITY };
    let sequences = [
        bits_of(p0) + 127.0 * bits_of(p00),
        bits_of(p0) + 64.0 * bits_of(p01) + 63.0 * bits_of(p10),
        bits_of(p0) + bits_of(p01) + 126.0 * bits_of(p11),
        bits_of(p1) + bits_of(p10) + 126.0 * bits_of(p00),
        bits_of(p1) + 64.0 * bits_of(p10) + 63.0 * bits_of(p01),
        bits_of(p1) + 127.0 * bits_of(p11),
    ];
    (sequences.into_iter().fold(f64::INFINITY, f64::min) / 128.0).clamp(0.0, 1.0)
}

/// Blocks of six bits.
const BLOCK: usize = 6;
/// Blocks that fill the dictionary.
const DICTIONARY: usize = 1000;

/// Section 6.3.4 (Maurer's universal statistic). Zero where the sample is too short.
#[must_use]
pub fn compression(bits: &[u8]) -> f64 {
    let blocks: Vec<usize> = bits
        .chunks_exact(BLOCK)
        .map(|block| block.iter().fold(0, |value, bit| value << 1 | usize::from(bit & 1)))
        .collect();
    if blocks.len() <= DICTIONARY + 1 {
        return 0.0;
    }
    let mut last = [0usize; 1 << BLOCK];
    let (mut sum, mut squares) = (0.0f64, 0.0f64);
    for (i, &block) in blocks.iter().enumerate() {
        let Some(slot) = last.get_mut(block) else { continue };
        if i >= DICTIONARY {
            let distance = ((i + 1 - *slot) as f64).log2();
            sum += distance;
            squares += distance * distance;
        }
        *slot = i + 1;
    }
    let count = (blocks.len() - DICTIONARY) as f64;
    let mean = sum / count;
    let deviation = 0.5907 * (squares / (count - 1.0) - mean * mean).max(0.0).sqrt();
    let bound = mean - Z_ALPHA * deviation / count.sqrt();
    let logs: Vec<f64> = (0..=blocks.len()).map(|i| (i.max(1) as f64).log2()).collect();
    let symbols = f64::from(1 << BLOCK);
    let expected = |p: f64| {
        let q = (1.0 - p) / (symbols - 1.0);
        universal(p, &logs) + (symbols - 1.0) * universal(q, &logs)
    };
    // The expectation falls as p rises; where even uniform blocks would repeat sooner, entropy is full.
    let (mut low, mut high) = (1.0 / symbols, 1.0);
    if expected(low) <= bound {
        return 1.0;
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if expected(middle) > bound { low = middle } else { high = middle }
    }
    -(0.5 * (low + high)).log2() / BLOCK as f64
}

/// The function G of section 6.3.4, step 7: 1/v sum_t sum_(u <= t) log2(u) F(z, t, u), reordered so that each u is
/// met once. `logs[u]` is log2(u); its last index is the number of blocks.
fn universal(z: f64, logs: &[f64]) -> f64 {
    let blocks = logs.len() - 1;
    let stay = 1.0 - z;
    let mut power = 1.0; // (1 - z)^(u - 1)
    let (mut inner, mut total) = (0.0, 0.0);
    for (u, log) in logs.iter().enumerate().skip(1) {
        // u < t contributes z^2 (1-z)^(u-1) to every t beyond it, u = t contributes z (1-z)^(u-1) to its own.
        if u > DICTIONARY {
            total += z * power * log;
        }
        let later = blocks - u.max(DICTIONARY);
        inner += z * z * power * log * later as f64;
        power *= stay;
        if power < 1e-300 {
            break;
        }
    }
    (total + inner) / (blocks - DICTIONARY) as f64
}

/// Bits compared at a time.
const WINDOW: usize = 64;
/// A tuple counts for section 6.3.5 while some value of it occurs this often.
const OFTEN: u64 = 35;

/// Sections 6.3.5 and 6.3.6: t-tuple and longest repeated substring, from the sorted suffixes.
#[must_use]
pub fn tuples(bits: &[u8]) -> (f64, f64) {
    let n = bits.len();
    if n < 100 {
        return (0.0, 0.0);
    }
    let mut active = repeats(bits);
    let (mut tuple, mut repeat) = (0.0f64, 0.0f64);
    let mut still_often = true;
    for length in 1..n {
        // Neighbours in the sorted order that agree in `length` bits: runs of them are equal tuples.
        active.retain(|&(_, common)| common as usize >= length);
        let (mut most, mut pairs, mut run) = (1u64, 0u64, 1u64);
        let mut previous = None;
        for &(place, _) in &active {
            run = if previous.is_some_and(|p| p + 1 == place) { run + 1 } else { 2 };
            pairs += run - 1;
            most = most.max(run);
            previous = Some(place);
        }
        still_often &= most >= OFTEN;
        let places = (n - length + 1) as f64;
        if still_often {
            tuple = tuple.max((most as f64 / places).powf(1.0 / length as f64));
        } else if pairs > 0 {
            let all = places * (places - 1.0) / 2.0;
            repeat = repeat.max((pairs as f64 / all).powf(1.0 / length as f64));
        } else {
            break;
        }
    }
    (bounded(tuple, n), bounded(repeat, n))
}

/// For each place in the sorted order of suffixes that shares a beginning with the place before: how much of it.
fn repeats(bits: &[u8]) -> Vec<(u32, u32)> {
    let n = bits.len();
    let mut window = 0u64;
    let mut windows = Vec::with_capacity(n);
    for i in 0..n + WINDOW - 1 {
        window = window << 1 | u64::from(bits.get(i).copied().unwrap_or(0) & 1);
        if i + 1 >= WINDOW {
            windows.push(window);
        }
    }
    let at = |i: usize| windows.get(i).copied().unwrap_or(0);
    let mut order: Vec<(u64, u32)> = windows.iter().copied().zip(0u32..).collect();
    order.sort_unstable_by(|a, b| {
        a.0.cmp(&b.0).then_with(|| {
            let (mut i, mut j) = (a.1 as usize + WINDOW, b.1 as usize + WINDOW);
            while i < n && j < n {
                let step = at(i).cmp(&at(j));
                if step.is_ne() {
                    return step;
                }
                (i, j) = (i + WINDOW, j + WINDOW);
            }
            b.1.cmp(&a.1)
        })
    });
    let mut out = Vec::new();
    for (place, pair) in order.windows(2).enumerate() {
        let [a, b] = pair else { continue };
        let (mut i, mut j) = (a.1 as usize, b.1 as usize);
        let left = n - i.max(j);
        let mut common = 0;
        while common < left {
            let agree = (at(i) ^ at(j)).leading_zeros() as usize;
            common += agree;
            if agree < WINDOW {
                break;
            }
            (i, j) = (i + WINDOW, j + WINDOW);
        }
        let common = common.min(left);
        if common > 0 {
            out.push((place as u32 + 1, common as u32));
        }
    }
    out
}
