//! The code at other people's service: `bch encode T` reads messages, `bch decode T` received words, one hexadecimal
//! line each (256 bytes, bit i of the word is bit i%8 of byte i/8), and prints the words, or `refused`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, reason = "a measuring programme")]

use konfido_puf::Word;
use konfido_puf::bch::Bch;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (action, t) = (arguments.next().unwrap(), arguments.next().unwrap().parse().unwrap());
    let code = Bch::new(t).unwrap();
    for line in std::io::stdin().lines() {
        let bytes: [u8; 256] = hex::decode(line.unwrap().trim()).unwrap().try_into().unwrap();
        let word = Word::from_bytes(&bytes).unwrap();
        if action == "encode" {
            println!("{}", hex::encode(code.encode(&word).to_bytes()));
            continue;
        }
        let (decoded, ok) = code.decode(&word);
        if bool::from(ok) { println!("{}", hex::encode(decoded.to_bytes())) } else { println!("refused") }
    }
}
