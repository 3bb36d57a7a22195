//! The code against its definition; `interop/puf` holds it to `galois` as well.
use rand_core::{Rng, SeedableRng};
use subtle::ConstantTimeEq;

use super::*;

fn random_word(rng: &mut impl Rng, bits: usize) -> Word {
    Word::from_bits((0..bits).map(|_| rng.next_u32() & 1 == 1))
}

fn flip(word: &Word, errors: usize, rng: &mut impl Rng) -> Word {
    let mut out = word.clone();
    let mut left = errors;
    while left > 0 {
        let i = rng.next_u32() as usize % ORDER;
        if out.bit(i) == word.bit(i) {
            out.put(i, !word.bit(i));
            left -= 1;
        }
    }
    out
}

#[test]
fn dimensions_are_the_published_ones() {
    assert_eq!((P1.k(), P1S.k()), (650, 804));
    assert_eq!(Bch::new(64).unwrap().k(), 1365);
    assert!(Bch::new(0).is_none() && Bch::new(171).is_none());
}

#[test]
fn up_to_t_errors_are_corrected_and_more_are_refused() {
    let mut rng = chacha20::ChaCha20Rng::seed_from_u64(1);
    for code in [&*P1, &*P1S, &Bch::new(64).unwrap(), &Bch::new(1).unwrap()] {
        let t = code.t();
        for errors in [0, 1, 2, t / 2, t - 1, t, t, t] {
            let sent = code.encode(&random_word(&mut rng, code.k()));
            let (word, ok) = code.decode(&flip(&sent, errors.min(t), &mut rng));
            assert!(bool::from(ok), "{code:?} with {errors} errors");
            assert!(bool::from(word.ct_eq(&sent)));
        }
        if t > 1 {
            for errors in [t + 1, t + 2, t + 20, 1000] {
                let sent = code.encode(&random_word(&mut rng, code.k()));
                let (_, ok) = code.decode(&flip(&sent, errors, &mut rng));
                assert!(!bool::from(ok), "{code:?} with {errors} errors");
            }
        }
    }
}

#[test]
fn random_words_are_refused() {
    let mut rng = chacha20::ChaCha20Rng::seed_from_u64(2);
    for _ in 0..50 {
        assert!(!bool::from(P1.decode(&random_word(&mut rng, ORDER)).1));
    }
    // All zero is a code word; so is nothing else of weight below the designed distance.
    assert!(bool::from(P1.decode(&Word::zero()).1));
}
