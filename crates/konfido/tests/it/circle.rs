//! `konfido pki` and `konfido circle`: from nothing to a circle that four members have signed, and what goes wrong.

use std::path::Path;
use std::process::Command;

const COUNTRIES: [&str; 4] = ["IT", "DK", "ES", "PT"];

/// Runs the binary with `--json` in `dir`; gives its exit code and the one object it printed. Splits at spaces: no
/// argument here holds one.
fn run(dir: &Path, line: &str) -> (i32, serde_json::Value) {
    let binary = env!("CARGO_BIN_EXE_konfido");
    let out = Command::new(binary).arg("--json").args(line.split(' ')).current_dir(dir).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let object = if text.is_empty() { serde_json::Value::Null } else { serde_json::from_str(&text).unwrap() };
    (out.status.code().unwrap(), object)
}

fn good(dir: &Path, line: &str) -> serde_json::Value {
    let (code, object) = run(dir, line);
    assert_eq!((code, &object["ok"]), (0, &true.into()), "{line}: {object}");
    object
}

fn add(dir: &Path, country: &str, arc: usize) -> serde_json::Value {
    good(
        dir,
        &format!(
            "circle add circle.toml --pki pki/{country} --name {country} --home-community urn:oid:2.16.17.710.{arc} \
             --endpoint patient-summary=https://ncp.{country}.example/xca"
        ),
    )
}

fn sign(dir: &Path, country: &str) -> serde_json::Value {
    good(dir, &format!("circle sign circle.toml --key pki/{country}/circle.key"))
}

#[test]
fn from_nothing_to_a_signed_circle_and_on() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    good(dir, "pki init --dir pki --country IT --country DK --country ES --country PT");
    good(dir, "circle init circle.toml --name demo");
    assert_eq!(run(dir, "circle verify circle.toml").1["verdict"], "mistakes", "no members yet");
    for (arc, country) in COUNTRIES.iter().enumerate() {
        add(dir, country, arc + 1);
    }
    for (n, country) in COUNTRIES.iter().take(3).enumerate() {
        let (code, object) = run(dir, "circle verify circle.toml");
        assert_eq!((code, &object["verdict"]), (1, &"quorum".into()), "{n} signatures");
        assert_eq!(sign(dir, country)["complete"], n == 2);
    }
    let verdict = good(dir, "circle verify circle.toml");
    assert_eq!(verdict["trusted_by"], "first-use");
    assert_eq!(verdict["signed"], serde_json::json!(["DK", "ES", "IT"]));
    let print = verdict["fingerprint"].as_str().unwrap();
    good(dir, &format!("circle verify circle.toml --fingerprint {print}"));
    let (code, object) = run(dir, &format!("circle verify circle.toml --fingerprint {}", "00".repeat(32)));
    assert_eq!((code, &object["verdict"]), (1, &"fingerprint".into()));
    let shown = good(dir, "circle show circle.toml");
    assert_eq!(shown["members"].as_array().unwrap().len(), 4);
    assert_eq!(shown["quorum"], 3);

    // The next edition: higher serial, old signatures dropped, follows the one before; never back.
    for ext in ["toml", "toml.jws"] {
        std::fs::copy(dir.join(format!("circle.{ext}")), dir.join(format!("old.{ext}"))).unwrap();
    }
    assert_eq!(add(dir, "PT", 9)["serial"], 2);
    for country in ["PT", "DK", "ES"] {
        sign(dir, country);
    }
    assert_eq!(good(dir, "circle verify circle.toml --previous old.toml")["trusted_by"], "previous");
    let (code, object) = run(dir, "circle verify old.toml --previous circle.toml");
    assert_eq!((code, &object["verdict"]), (1, &"rollback".into()));

    // A tampered file, and all mistakes of a broken one.
    let text = std::fs::read_to_string(dir.join("circle.toml")).unwrap();
    std::fs::write(dir.join("circle.toml"), text.replace(".IT.", ".evil.")).unwrap();
    let (code, object) = run(dir, "circle verify circle.toml");
    assert_eq!((code, &object["verdict"]), (1, &"quorum".into()));
    std::fs::write(dir.join("circle.toml"), text.replace("quorum = 3", "quorum = 1\ncolour = 1")).unwrap();
    let (code, object) = run(dir, "circle show circle.toml");
    assert_eq!((code, object["mistakes"].as_array().unwrap().len()), (1, 1), "{object}");
    let (code, object) = run(dir, "circle sign circle.toml --key pki/IT/circle.key");
    assert_eq!((code, object["mistakes"].as_array().unwrap().len()), (1, 2), "{object}");
}

#[test]
fn certificates_are_judged_and_faults_sorted() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    good(dir, "pki init --dir pki --country IT");
    good(dir, "pki issue --dir pki/IT --usage tls-client --name second");
    good(dir, "pki issue --dir pki/IT --usage signing --name late --expired");
    good(dir, "pki issue --dir pki/IT --usage signing --name foreign --subject-country DK");
    good(dir, "pki issue --dir pki/IT --usage tls-client --name lost");
    good(dir, "pki revoke --dir pki/IT pki/IT/lost.pem");
    good(dir, "pki renew-crl --dir pki/IT");
    for (file, usage, code, verdict) in [
        ("signing-rsa", "signing", 0, "good"),
        ("second", "tls-client", 0, "good"),
        ("second", "tls-server", 1, "wrong-usage"),
        ("late", "signing", 1, "expired"),
        ("foreign", "signing", 1, "wrong-country"),
        ("lost", "tls-client", 1, "revoked"),
    ] {
        let found = run(dir, &format!("pki check pki/IT/{file}.pem --trust pki --usage {usage}"));
        assert_eq!((found.0, &found.1["verdict"]), (code, &verdict.into()), "{file}: {}", found.1);
    }
    for (line, code) in [
        ("pki check pki/IT/signing.pem --trust pki --usage tea", 2),
        ("pki check pki/IT/crl.pem --trust pki --usage signing", 2),
        ("pki check absent.pem --trust pki --usage signing", 3),
        ("pki check pki/IT/signing.pem --trust absent --usage signing", 3),
        ("pki issue --dir pki/IT --usage signing --name ../evil", 2),
        ("pki init --dir pki --country IT", 3),
        ("pki init --dir pki --country it", 2),
        ("circle verify absent.toml", 3),
        ("circle init c.toml", 2),
    ] {
        assert_eq!(run(dir, line).0, code, "{line}");
    }
}
