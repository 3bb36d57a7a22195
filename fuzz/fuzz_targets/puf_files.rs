//! The other files a token's owner may be handed: arrays, archives, device models, escrow shares, verifier's records.
#![no_main]

use konfido_puf::hash::DeviceModel;
use konfido_puf::npy::Matrix;
use konfido_puf::protocol::authentication::Verifier;
use konfido_puf::protocol::root::EscrowShare;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 5 {
        0 => {
            if let Ok(matrix) = Matrix::from_npy(rest) {
                assert_eq!(matrix.entries.len(), matrix.rows * matrix.columns);
            }
        }
        1 => drop(Matrix::from_npz(rest, "TM_corr_modes")),
        2 => drop(DeviceModel::from_json(rest)),
        3 => {
            if let Ok(text) = std::str::from_utf8(rest)
                && let Ok(share) = EscrowShare::from_text(text)
            {
                assert!(EscrowShare::from_text(&share.to_text()).is_ok());
            }
        }
        _ => drop(Verifier::from_secret_file(rest)),
    }
});
