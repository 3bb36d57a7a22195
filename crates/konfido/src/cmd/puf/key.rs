//! `konfido puf key`: bring the key back and show what may be shown of it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use konfido_keys::software::SystemRng;
use konfido_puf::protocol::identity::Identity;
use konfido_puf::protocol::root::{self, EscrowShare, ROOT_CONTEXT, SEALED_ROOT_FILE, SealedRoot};
use konfido_puf::store::Store;

use super::{DeviceArgs, now, public_key_pem};
use crate::exit::{ExitCode, UsageError};
use crate::ui::Ui;

/// Arguments of `konfido puf key`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    device: DeviceArgs,
    /// Folder of the enrolment.
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Write a certificate request for this common name.
    #[arg(long, value_name = "NAME", requires = "csr")]
    common_name: Option<String>,
    /// File of the certificate request (PEM).
    #[arg(long, value_name = "FILE", requires = "common_name")]
    csr: Option<PathBuf>,
    /// DNS names in the certificate request.
    #[arg(long, value_name = "NAME")]
    dns: Vec<String>,
    /// Seal a root secret recovered from these share files under this token (after a token was lost).
    #[arg(long, value_name = "FILE", num_args = 2..)]
    recover: Vec<PathBuf>,
}

/// Regenerates the key.
pub(super) fn run(args: &Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    let mut opened = args.device.open()?;
    let store = Store::open(&args.store)?;
    let progress = ui.progress("looking at the token");
    let again = store.regenerate(&mut *opened.device, &*opened.projection, ROOT_CONTEXT, now())?;
    drop(progress);
    let identity = Identity::of(&again.key)?;
    let pem = public_key_pem(identity.public_key_der());
    let margin = again.margin;
    ui.line(format!("key id      {}", identity.key_id()));
    ui.line(format!(
        "errors      {} of {} correctable, {} tries",
        margin.errors, margin.correctable, margin.tries
    ));
    if margin.is_thin() {
        ui.note("warning: more than half of the correctable errors: see `konfido puf doctor`");
    }
    let rng: Arc<dyn konfido_keys::Rng> = Arc::new(SystemRng);
    if !args.recover.is_empty() {
        let shares = args
            .recover
            .iter()
            .map(|path| {
                let text = zeroize::Zeroizing::new(
                    std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?,
                );
                EscrowShare::from_text(&text).map_err(|error| UsageError(error.to_string()).into())
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let count = shares.len();
        let sealed = root::seal(&again.key, &root::recover(&shares)?, &rng, count, count)?;
        store.write(SEALED_ROOT_FILE, &serde_json::to_vec_pretty(&sealed)?)?;
        ui.line(format!("vault root  recovered from {count} shares and sealed under this token"));
    }
    let sealed_path = store.path(SEALED_ROOT_FILE);
    let root_opens = match std::fs::read(&sealed_path) {
        Ok(bytes) => {
            let sealed: SealedRoot = serde_json::from_slice(&bytes)?;
            root::open(&again.key, &sealed, &rng)?;
            ui.line("vault root  opens");
            Some(true)
        }
        Err(_) => None,
    };
    ui.line(&pem);
    if let (Some(name), Some(path)) = (&args.common_name, &args.csr) {
        let request = identity.certificate_request(name, &args.dns)?;
        std::fs::write(path, request).with_context(|| format!("{}", path.display()))?;
        ui.line(format!("certificate request in {}", path.display()));
    }
    ui.object(&serde_json::json!({
        "ok": true,
        "key_id": identity.key_id(),
        "public_key": pem,
        "provenance": opened.device.info().provenance,
        "margin": margin,
        "thin_margin": margin.is_thin(),
        "vault_root_opens": root_opens,
    }));
    Ok(ExitCode::Good)
}
