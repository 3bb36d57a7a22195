//! NumPy's array format (NEP 1), as far as measured transmission matrices need it: `.npy`, and members of `.npz`.
//!
//! Little-endian real or complex arrays of at most two dimensions in C order. Every size is checked against the
//! bytes at hand before anything is allocated.

use std::io::Read;
use std::path::Path;

use rustfft::num_complex::Complex64;

use crate::error::{PufError, Result};

const MAX_ELEMENTS: usize = 1 << 22;
const MAX_BYTES: u64 = 1 << 27;

/// A matrix of complex numbers, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Entries, row by row.
    pub entries: Vec<Complex64>,
}

impl Matrix {
    /// Reads a `.npy` file's bytes.
    pub fn from_npy(bytes: &[u8]) -> Result<Self> {
        let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(|| fault("not an npy file"))?;
        let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(|| fault("cut short"))?;
        let (length, rest) = match version {
            [1, _] => {
                let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(|| fault("cut short"))?;
                (usize::from(u16::from_le_bytes(*length)), rest)
            }
            [2 | 3, _] => {
                let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(|| fault("cut short"))?;
                (u32::from_le_bytes(*length) as usize, rest)
            }
            _ => return Err(fault("unknown version")),
        };
        let (header, data) = rest.split_at_checked(length).ok_or_else(|| fault("cut short"))?;
        let header = std::str::from_utf8(header).map_err(|_| fault("header is not text"))?;
        let kind = quoted(header, "descr")?;
        if value(header, "fortran_order")?.starts_with("True") {
            return Err(fault("Fortran order"));
        }
        let (rows, columns) = shape(value(header, "shape")?)?;
        let count =
            rows.checked_mul(columns).filter(|&n| n <= MAX_ELEMENTS).ok_or_else(|| fault("too large"))?;
        let width = match kind {
            "<c16" => 16,
            "<c8" | "<f8" => 8,
            "<f4" => 4,
            _ => return Err(fault("unknown element type")),
        };
        if data.len() != count * width {
            return Err(fault("data do not fit the shape"));
        }
        let double = |b: &[u8; 8]| f64::from_le_bytes(*b);
        let single = |b: &[u8; 4]| f64::from(f32::from_le_bytes(*b));
        let entries: Vec<Complex64> = match kind {
            "<c16" => {
                let (pairs, _) = data.as_chunks::<8>().0.as_chunks::<2>();
                pairs.iter().map(|[re, im]| Complex64::new(double(re), double(im))).collect()
            }
            "<c8" => {
                let (pairs, _) = data.as_chunks::<4>().0.as_chunks::<2>();
                pairs.iter().map(|[re, im]| Complex64::new(single(re), single(im))).collect()
            }
            "<f8" => data.as_chunks::<8>().0.iter().map(|b| Complex64::new(double(b), 0.0)).collect(),
            _ => data.as_chunks::<4>().0.iter().map(|b| Complex64::new(single(b), 0.0)).collect(),
        };
        if entries.iter().any(|z| !z.re.is_finite() || !z.im.is_finite()) {
            return Err(fault("an entry is not finite"));
        }
        Ok(Self { rows, columns, entries })
    }

    /// Reads member `name` of a `.npz` archive's bytes.
    pub fn from_npz(bytes: &[u8], name: &str) -> Result<Self> {
        let mut archive =
            zip::ZipArchive::new(std::io::Cursor::new(bytes)).map_err(|error| fault(&error.to_string()))?;
        let member = archive.by_name(&format!("{name}.npy")).map_err(|error| fault(&error.to_string()))?;
        let mut out = Vec::new();
        member.take(MAX_BYTES).read_to_end(&mut out).map_err(|error| fault(&error.to_string()))?;
        Self::from_npy(&out)
    }

    /// Reads a `.npy` file, or array `name` of a `.npz` file.
    pub fn read(path: &Path, name: &str) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| PufError::file(path, error))?;
        if path.extension().is_some_and(|e| e == "npz") {
            Self::from_npz(&bytes, name)
        } else {
            Self::from_npy(&bytes)
        }
    }

    /// Row by row.
    pub fn iter_rows(&self) -> impl Iterator<Item = &[Complex64]> {
        self.entries.chunks_exact(self.columns.max(1))
    }
}

fn fault(reason: &str) -> PufError {
    PufError::malformed("npy array", reason)
}

/// What follows `'key':` in the header's dictionary.
fn value<'h>(header: &'h str, key: &str) -> Result<&'h str> {
    let (_, rest) = header.split_once(&format!("'{key}':")).ok_or_else(|| fault("header lacks a key"))?;
    Ok(rest.trim_start())
}

fn quoted<'h>(header: &'h str, key: &str) -> Result<&'h str> {
    let rest = value(header, key)?.strip_prefix('\'').ok_or_else(|| fault("structured element type"))?;
    rest.split_once('\'').map(|(text, _)| text).ok_or_else(|| fault("unclosed string"))
}

fn shape(text: &str) -> Result<(usize, usize)> {
    let inner = text.strip_prefix('(').and_then(|t| t.split_once(')')).ok_or_else(|| fault("no shape"))?.0;
    let sides = inner
        .split(',')
        .map(str::trim)
        .filter(|t| !t.is_empty())
        .map(|t| t.parse::<usize>().map_err(|_| fault("shape is not of numbers")))
        .collect::<Result<Vec<_>>>()?;
    match sides.as_slice() {
        [columns] => Ok((1, *columns)),
        [rows, columns] => Ok((*rows, *columns)),
        _ => Err(fault("one or two dimensions")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let mut out = b"\x93NUMPY\x01\x00".to_vec();
        out.extend_from_slice(&(header.len() as u16).to_le_bytes());
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(data);
        out
    }

    #[test]
    fn reads_what_numpy_writes_and_nothing_else() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n";
        let data: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let matrix = Matrix::from_npy(&npy(header, &data)).unwrap();
        assert_eq!((matrix.rows, matrix.columns), (2, 1));
        assert_eq!(matrix.entries[1], Complex64::new(-2.0, 0.0));
        for (from, to) in [
            ("False", "True"),
            ("<f4", ">f4"),
            ("(2, 1)", "(2, 9)"),
            ("(2, 1)", "(99999999999, 99999999999)"),
            ("(2, 1)", "(1, 2, 1)"),
            ("'shape'", "'form'"),
        ] {
            assert!(Matrix::from_npy(&npy(&header.replace(from, to), &data)).is_err(), "{to}");
        }
        assert!(Matrix::from_npy(&npy(header, &[0xff; 8])).is_err());
        assert!(Matrix::from_npz(b"PK\x03\x04", "x").is_err());
    }
}
