//! Randomness: noise source, health tests, conditioning, generator, and the measure of them.
pub mod estimators;
