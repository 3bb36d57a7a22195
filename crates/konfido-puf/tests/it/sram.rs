//! Real SRAM power-up readings: the code carries a silicon token's noise as well, without a mask and enrolled on a
//! single reading.
use konfido_puf::Word;
use konfido_puf::bch::P1;
use subtle::ConstantTimeEq;

const CELLS: usize = 65_536;

fn bits(reading: &[u8], block: usize) -> Word {
    Word::from_bits((0..2047).map(|i| {
        let cell = block * 2047 + i;
        reading[cell / 8] >> (cell % 8) & 1 == 1
    }))
}

#[test]
fn real_sram_is_corrected_in_every_block() {
    let Some(fixtures) = crate::fixtures() else { return };
    let (mut blocks, mut errors, mut bits_seen, mut worst) = (0u64, 0u64, 0u64, 0u32);
    let mut files: Vec<_> =
        std::fs::read_dir(fixtures.join("puf/sram-puf")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let code_word = P1.encode(&Word::from_bits((0..650).map(|i| i % 3 == 0)));
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "bin")) {
        let bytes = std::fs::read(file).unwrap();
        let readings: Vec<&[u8]> = bytes.chunks_exact(CELLS / 8).collect();
        for block in 0..CELLS / 2047 {
            let enrolled = bits(readings[0], block);
            let offset = enrolled.xor(&code_word);
            // Every seventh later reading keeps the test short.
            for reading in readings.iter().skip(1).step_by(7) {
                let again = bits(reading, block);
                let wrong = again.xor(&enrolled).weight();
                let (decoded, ok) = P1.decode(&again.xor(&offset));
                assert!(bool::from(ok & decoded.ct_eq(&code_word)), "{wrong} errors in {}", file.display());
                blocks += 1;
                bits_seen += 2047;
                errors += u64::from(wrong);
                worst = worst.max(wrong);
            }
        }
    }
    let rate = errors as f64 / bits_seen as f64;
    eprintln!(
        "SRAM: {blocks} blocks, error rate {:.2} % to a single reading, worst {worst} of 170",
        100.0 * rate
    );
    assert!(blocks > 400 && (0.005..0.06).contains(&rate), "{blocks} blocks at {rate}");
}
