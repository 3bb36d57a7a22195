//! `konfido vault`: start the process that owns the keys, ask how it is, and use it from a shell.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use konfido_circle::CountryCode;
use konfido_keys::Sealer as _;
use konfido_keys::software::{KeyKind, SystemRng};
use konfido_vault::backend::{Backend as _, SoftwareBackend};
use konfido_vault::client::VaultClient;
use konfido_vault::protocol::KeyName;
use konfido_vault::run::{self, Settings};
use konfido_vault::store::NoFreshness;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::exit::{ExitCode, UsageError};
use crate::ui::Ui;

/// Arguments of `konfido vault`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Run the vault in the foreground until it is stopped.
    Run(RunArgs),
    /// How the vault is, and what it holds against.
    Status(SocketArgs),
    /// Seal a file so that only this vault opens it.
    Seal(SealArgs),
    /// Open a file that this vault sealed.
    Unseal(SealArgs),
    /// Replace a statement key by a fresh one, or make it; the vault must not be running.
    Rotate(RotateArgs),
    /// The backends of this build, and what each is worth.
    Backends,
}

/// Where the store is and what its root lies in.
#[derive(Debug, clap::Args)]
struct StoreArgs {
    /// Folder of the sealed store.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// File of the root secret, made when there is none; put it on another disk than the store.
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
}

impl StoreArgs {
    fn backend(&self) -> anyhow::Result<SoftwareBackend> {
        std::fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot make folder `{}`", self.folder.display()))?;
        let root = self.root.clone().unwrap_or_else(|| self.folder.join("root.secret"));
        Ok(SoftwareBackend::open(&root, &SystemRng)?)
    }
}

/// Arguments of `konfido vault run`.
#[derive(Debug, clap::Args)]
struct RunArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Unix socket to listen on.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// Country whose assertions it issues.
    #[arg(long, value_name = "CC")]
    country: CountryCode,
    /// User ids that may use the socket, beside the vault's own.
    #[arg(long = "allow-uid", value_name = "UID")]
    users: Vec<u32>,
    /// Become this user and group after start (needs root): `UID:GID`.
    #[arg(long, value_name = "UID:GID")]
    user: Option<String>,
    /// Take logins that nobody checked. Never in production.
    #[arg(long)]
    danger_development_logins: bool,
    /// Refuse to run without hardware behind the vault.
    #[arg(long)]
    hardware_required: bool,
    /// Operations a second and connection.
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    per_second: u32,
}

/// Where the vault listens.
#[derive(Debug, clap::Args)]
struct SocketArgs {
    /// Unix socket of the vault.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
}

/// Arguments of `konfido vault seal` and `unseal`.
#[derive(Debug, clap::Args)]
struct SealArgs {
    #[command(flatten)]
    socket: SocketArgs,
    /// What the bytes are; the same word opens them again.
    #[arg(long, value_name = "WORD")]
    context: String,
    /// The file to read.
    file: PathBuf,
    /// The file to write.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
}

/// Arguments of `konfido vault rotate`.
#[derive(Debug, clap::Args)]
struct RotateArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Name of the key.
    key: String,
    /// What each statement that it signs begins with.
    #[arg(long, value_name = "TEXT")]
    prefix: String,
    /// `p256`, `p384`, `ed25519` or `rsa3072`.
    #[arg(long, default_value = "p256")]
    kind: String,
}

#[derive(Serialize)]
struct BackendLine {
    name: &'static str,
    here: bool,
    why_not: Option<&'static str>,
    at_most: String,
}

/// Runs the chosen action.
pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Run(args) => run_vault(args, ui),
        Action::Status(args) => status(&args, ui),
        Action::Seal(args) => seal(&args, ui, true),
        Action::Unseal(args) => seal(&args, ui, false),
        Action::Rotate(args) => rotate(&args, ui),
        Action::Backends => backends(ui),
    }
}

fn run_vault(args: RunArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let backend = args.store.backend()?;
    let become_user = args.user.as_deref().map(user_and_group).transpose()?;
    let settings = Settings {
        folder: args.store.folder,
        socket: args.socket,
        country: args.country,
        users: args.users,
        become_user,
        development: args.danger_development_logins,
        hardware_required: args.hardware_required,
        demanded: Vec::new(),
        per_second: args.per_second,
    };
    run::run(&settings, &backend, &NoFreshness, |measures| {
        let held: Vec<String> = measures.held.iter().map(ToString::to_string).collect();
        ui.note(format!("vault: backend {}, in force: {}", backend.name(), held.join(", ")));
        for (measure, why) in &measures.missing {
            ui.note(format!("vault: not in force: {measure} ({why})"));
        }
        ui.note("vault: ready");
    })?;
    Ok(ExitCode::Good)
}

fn user_and_group(text: &str) -> anyhow::Result<(u32, u32)> {
    text.split_once(':')
        .and_then(|(user, group)| Some((user.parse().ok()?, group.parse().ok()?)))
        .ok_or_else(|| UsageError(format!("`{text}` is not UID:GID")).into())
}

fn status(args: &SocketArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let status = VaultClient::new(&args.socket).status()?;
    ui.object(&status);
    ui.heading(&format!("level {} ({})", status.level, status.level_name));
    ui.line(format!("  backend      {}", status.backend));
    ui.line(format!("  in force     {}", status.measures.join(", ")));
    for missing in &status.missing {
        ui.line(format!("  not in force {missing}"));
    }
    ui.line(format!("  rollback     {}", status.rollback));
    ui.line(format!("  sessions     {}", status.sessions));
    ui.line(format!("  operations   {} done, {} refused", status.served, status.refused));
    let keys: Vec<&str> = status.keys.iter().map(KeyName::as_str).collect();
    ui.line(format!("  keys         {} (store epoch {})", keys.join(", "), status.store_epoch));
    if status.development {
        ui.line("  logins       DEVELOPMENT: nobody checks them");
    }
    Ok(ExitCode::Good)
}

fn seal(args: &SealArgs, ui: &Ui, seals: bool) -> anyhow::Result<ExitCode> {
    let sealer = VaultClient::new(&args.socket.socket).sealer();
    let bytes = read(&args.file)?;
    let context = args.context.as_bytes();
    let result = if seals {
        sealer.seal(context, &bytes)?
    } else {
        sealer.open(context, &bytes)?.expose_secret().to_vec()
    };
    std::fs::write(&args.out, &result).with_context(|| format!("cannot write `{}`", args.out.display()))?;
    ui.object(&serde_json::json!({ "ok": true, "bytes": result.len(), "file": args.out }));
    ui.line(format!("{} bytes in {}", result.len(), args.out.display()));
    Ok(ExitCode::Good)
}

fn rotate(args: &RotateArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let name = KeyName::new(&args.key)
        .ok_or_else(|| UsageError(format!("`{}` is no key name: lower-case letters, digits, hyphens", args.key)))?;
    let kind = match args.kind.as_str() {
        "p256" => KeyKind::EcdsaP256,
        "p384" => KeyKind::EcdsaP384,
        "ed25519" => KeyKind::Ed25519,
        "rsa3072" => KeyKind::Rsa3072,
        other => return Err(UsageError(format!("`{other}` is none of p256, p384, ed25519, rsa3072")).into()),
    };
    let backend = args.store.backend()?;
    let key = run::new_statement_key(name, args.prefix.as_bytes(), kind)?;
    let epoch = run::add_key(&args.store.folder, &backend, &NoFreshness, key)?;
    ui.object(&serde_json::json!({ "ok": true, "key": args.key, "store_epoch": epoch }));
    ui.line(format!("key {} is fresh; store epoch {epoch}", args.key));
    Ok(ExitCode::Good)
}

fn backends(ui: &Ui) -> anyhow::Result<ExitCode> {
    use konfido_vault::attest::Assurance;
    let lines = [BackendLine {
        name: "software",
        here: true,
        why_not: None,
        at_most: Assurance::SoftwareIsolated.to_string(),
    }];
    ui.object(&serde_json::json!({ "backends": &lines }));
    for line in &lines {
        ui.line(format!("{:<12} at most {}", line.name, line.at_most));
    }
    Ok(ExitCode::Good)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}
