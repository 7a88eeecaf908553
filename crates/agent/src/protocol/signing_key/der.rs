//! The little of DER that private keys need (RFC 5208, RFC 8017, RFC 5915, RFC 8410). What is written
//! is wiped.

use zeroize::Zeroizing;

/// `rsaEncryption`, as the content of its object identifier.
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// `id-ecPublicKey`
pub(super) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// `prime256v1`
pub(super) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// `id-Ed25519`
pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// The optional public key of an EC key.
const PUBLIC_KEY: u8 = 0xa1;

/// A larger key than this is none: what a length of up to two bytes says.
const LONGEST: usize = 0xffff;

/// A PKCS#8 key, in parts.
pub(super) struct Pkcs8<'a> {
    pub(super) algorithm: &'a [u8],
    /// The object identifier parameter of the algorithm, if it has one.
    pub(super) curve: Option<&'a [u8]>,
    pub(super) key: &'a [u8],
}

/// Reads a PKCS#8 key.
pub(super) fn read_pkcs8(der: &[u8]) -> Option<Pkcs8<'_>> {
    let (body, _) = take(der, SEQUENCE)?;
    let (_version, rest) = take(body, INTEGER)?;
    let (algorithm, rest) = take(rest, SEQUENCE)?;
    let (algorithm, parameters) = take(algorithm, OBJECT)?;
    let curve = take(parameters, OBJECT).map(|(curve, _)| curve);
    let (key, _) = take(rest, OCTET_STRING)?;
    Some(Pkcs8 {
        algorithm,
        curve,
        key,
    })
}

/// The content of the first element, which must have this tag, and what follows it.
fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => {
            let (&length, rest) = rest.split_first()?;
            (usize::from(length), rest)
        }
        0x82 => {
            let (&[high, low], rest) = rest.split_first_chunk()?;
            (usize::from(high) << 8 | usize::from(low), rest)
        }
        _ => return None,
    };
    let content = rest.split_at_checked(length)?;
    (found == tag).then_some(content)
}

/// PKCS#1 of the numbers `n`, `e`, `d`, `p`, `q`, `dp`, `dq`, `qi`.
pub(super) fn pkcs1(numbers: &[Zeroizing<Vec<u8>>]) -> Zeroizing<Vec<u8>> {
    let mut parts = vec![integer(&[])];
    parts.extend(numbers.iter().map(|number| integer(number)));
    sequence(&parts)
}

/// PKCS#8 of a P-256 key.
pub(super) fn p256(d: &[u8], x: &[u8], y: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut point = Zeroizing::new(vec![0, 4]);
    point.extend_from_slice(x);
    point.extend_from_slice(y);
    let public = element(PUBLIC_KEY, &element(BIT_STRING, &point));
    let key = sequence(&[integer(&[1]), element(OCTET_STRING, d), public]);
    let algorithm = sequence(&[element(OBJECT, EC), element(OBJECT, P256)]);
    sequence(&[integer(&[]), algorithm, element(OCTET_STRING, &key)])
}

/// PKCS#8 of an Ed25519 key.
pub(super) fn ed25519(d: &[u8]) -> Zeroizing<Vec<u8>> {
    let key = element(OCTET_STRING, d);
    let algorithm = sequence(&[element(OBJECT, ED25519)]);
    sequence(&[integer(&[]), algorithm, element(OCTET_STRING, &key)])
}

/// A number that is not negative, from its big-endian bytes.
fn integer(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let start = bytes.iter().position(|byte| *byte != 0);
    let digits = start.map_or(&[][..], |start| &bytes[start..]);
    // The highest bit is the sign.
    let mut padded = Zeroizing::new(Vec::with_capacity(digits.len() + 1));
    if digits.first().is_none_or(|first| *first >= 0x80) {
        padded.push(0);
    }
    padded.extend_from_slice(digits);
    element(INTEGER, &padded)
}

fn sequence(parts: &[Zeroizing<Vec<u8>>]) -> Zeroizing<Vec<u8>> {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut content = Zeroizing::new(Vec::with_capacity(length));
    for part in parts {
        content.extend_from_slice(part);
    }
    element(SEQUENCE, &content)
}

/// Empty where the content is longer than any key.
fn element(tag: u8, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut der = Zeroizing::new(Vec::with_capacity(content.len() + 4));
    if content.len() > LONGEST {
        return der;
    }
    der.push(tag);
    let [high, low] = u16::try_from(content.len())
        .unwrap_or_default()
        .to_be_bytes();
    match (high, low) {
        (0, 0..=0x7f) => der.push(low),
        (0, _) => der.extend_from_slice(&[0x81, low]),
        (_, _) => der.extend_from_slice(&[0x82, high, low]),
    }
    der.extend_from_slice(content);
    der
}
