//! What the configuration accepts and how it complains.

use super::*;

const GOOD: &str = r#"
country = "IT"
state = "state"
[circle]
file = "circle.toml"
signatures = "circle.toml.sig"
danger_first_use = true
crls = ["it.pem"]
[keys]
tls_server = { certificate = "a.pem", key = "a.key" }
signing = { certificate = "s.pem", key = "s.key" }
[ncp_a]
listen = "127.0.0.1:0"
store = "store"
[ncp_a.limits]
head_seconds = 0.5
[admin]
listen = "127.0.0.1:9100"
"#;

#[test]
fn a_good_file_is_read_with_paths_beside_it() {
    let settings = Settings::parse(GOOD, Path::new("/etc/konfido")).unwrap();
    assert_eq!(settings.state, Path::new("/etc/konfido/state"));
    let ncp_a = settings.ncp_a.unwrap();
    assert_eq!(ncp_a.limits.head, Duration::from_millis(500));
    assert_eq!(ncp_a.limits.requests, Limits::default().requests);
}

#[test]
fn all_faults_are_told_at_once() {
    let text = GOOD
        .replace("\"IT\"", "\"Italia\"")
        .replace("danger_first_use = true", "")
        .replace("store = \"store\"", "stoer = \"store\"")
        .replace("head_seconds = 0.5", "head_seconds = -1\nbody_bytes = 5");
    let faults = Settings::parse(&text, Path::new(".")).unwrap_err();
    for expected in [
        "`country` can't be used",
        "`circle.fingerprint` is missing",
        "`ncp_a.store` is missing",
        "`ncp_a.stoer` is unknown",
        "`ncp_a.limits.head_seconds`",
        "`ncp_a.limits.body_bytes`",
    ] {
        assert!(faults.iter().any(|fault| fault.starts_with(expected)), "{expected} not in {faults:?}");
    }
    assert_eq!(faults.len(), 6, "{faults:?}");
}

#[test]
fn a_server_needs_a_server_key() {
    let text = GOOD.replace("tls_server =", "tls_client =");
    let faults = Settings::parse(&text, Path::new(".")).unwrap_err();
    assert_eq!(faults, ["`keys.tls_server` is missing"]);
}

#[test]
fn the_documented_configuration_is_one() {
    let page = include_str!("../../../../docs/src/configuration.md");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let settings = Settings::parse(example, Path::new(".")).unwrap();
    let (limits, standard) = (settings.ncp_a.unwrap().limits, Limits::default());
    assert_eq!(format!("{limits:?}"), format!("{standard:?}"), "the page tells other limits than the code");
}
