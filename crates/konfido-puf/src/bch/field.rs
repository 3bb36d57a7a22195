//! GF(2^11) with the primitive polynomial x^11 + x^2 + 1 (0x805), by tables.
//!
//! Tables are indexed by their operand and therefore leak it through the cache: this file serves only what is
//! public (generator, check matrix, evaluation points). Secrets go through [`super::planes`].

/// Extension degree.
pub(super) const M: usize = 11;
/// Order of the multiplicative group, and length of the codes.
pub(super) const ORDER: usize = (1 << M) - 1;
/// The primitive polynomial.
pub(super) const POLYNOMIAL: u16 = 0x805;

/// Powers of the primitive element alpha.
#[derive(Debug)]
pub(super) struct Field {
    power: Vec<u16>,
    log: Vec<u16>,
}

impl Field {
    pub(super) fn new() -> Self {
        let mut power = Vec::with_capacity(ORDER);
        let mut log = vec![0; ORDER + 1];
        let mut x = 1u16;
        for i in 0..ORDER {
            power.push(x);
            if let Some(slot) = log.get_mut(usize::from(x)) {
                *slot = i as u16;
            }
            x = times_alpha(x);
        }
        Self { power, log }
    }

    /// alpha^e.
    pub(super) fn power(&self, e: usize) -> u16 {
        self.power.get(e % ORDER).copied().unwrap_or_default()
    }

    /// Product of two public values.
    pub(super) fn product(&self, a: u16, b: u16) -> u16 {
        let log = |x: u16| self.log.get(usize::from(x)).copied().unwrap_or_default();
        if a == 0 || b == 0 { 0 } else { self.power(usize::from(log(a)) + usize::from(log(b))) }
    }
}

/// x times alpha, without a branch.
pub(super) const fn times_alpha(x: u16) -> u16 {
    let shifted = x << 1;
    shifted ^ (POLYNOMIAL & (shifted >> M).wrapping_neg())
}

/// x squared, without a branch or a table: spread the bits, then reduce.
pub(super) fn square(x: u16) -> u16 {
    let mut wide = 0u32;
    for bit in 0..M {
        wide |= (u32::from(x) >> bit & 1) << (2 * bit);
    }
    for bit in (M..2 * M - 1).rev() {
        let carry = (wide >> bit & 1).wrapping_neg();
        wide ^= (u32::from(POLYNOMIAL) << (bit - M)) & carry;
    }
    wide as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_is_primitive_and_squares_agree() {
        let field = Field::new();
        let mut seen = std::collections::HashSet::new();
        for e in 0..ORDER {
            assert!(seen.insert(field.power(e)));
        }
        for x in 0..=ORDER as u16 {
            assert_eq!(square(x), field.product(x, x));
        }
    }
}
