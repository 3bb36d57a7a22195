//! The vetted conditioner: HMAC-SHA-256 over credited noise (SP 800-90B section 3.1.5.1.1).

use aws_lc_rs::hmac;
use zeroize::{Zeroize, Zeroizing};

/// Credited input bits for each 256 output bits: full entropy needs 64 more than come out.
const NEEDED: f64 = 256.0 + 64.0;
/// The key of a vetted conditioner may be public and fixed.
const KEY: &[u8; 32] = b"konfido/puf/v1/noise-conditioner";

/// Collects noise bits until a block is worth 320 bits.
#[derive(Debug)]
pub(super) struct Conditioner {
    context: hmac::Context,
    byte: u8,
    bits: usize,
    needed: usize,
}

impl Conditioner {
    /// A conditioner of bits worth `credit` bits each.
    pub(super) fn new(credit: f64) -> Self {
        Self { context: fresh(), byte: 0, bits: 0, needed: (NEEDED / credit).ceil() as usize }
    }

    /// Takes one bit; gives a block when there is one.
    pub(super) fn feed(&mut self, bit: bool) -> Option<Zeroizing<[u8; 32]>> {
        self.byte = self.byte << 1 | u8::from(bit);
        self.bits += 1;
        if self.bits % 8 == 0 {
            self.context.update(&[self.byte]);
        }
        if self.bits < self.needed.next_multiple_of(8) {
            return None;
        }
        let tag = std::mem::replace(&mut self.context, fresh()).sign();
        self.byte.zeroize();
        self.bits = 0;
        let mut block = Zeroizing::new([0; 32]);
        for (to, from) in block.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        Some(block)
    }
}

fn fresh() -> hmac::Context {
    hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, KEY))
}
