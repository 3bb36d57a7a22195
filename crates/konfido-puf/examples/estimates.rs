//! Our SP 800-90B estimates of a file of bits, one a byte, as JSON: for comparison with NIST's tool.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring programme")]

fn main() {
    let bits = std::fs::read(std::env::args().nth(1).unwrap()).unwrap();
    let estimates = konfido_puf::entropy::estimators::Estimates::of(&bits);
    println!("{}", serde_json::to_string(&estimates).unwrap());
}
