//! Hashing and verifying passwords.

use argon2::password_hash::{Error as PhcError, Output, PasswordHash, Salt, SaltString};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, MIN_SALT_LEN, Params, Version};
use homeroom_objects::passwords::{MAX_PASSWORD_BYTES, PasswordReply, PasswordRequest};

/// How much fresh entropy a hash is salted with.
pub const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;
/// The salt of the work that is done where there is nothing to compare with.
const NO_SALT: &[u8; SALT_BYTES] = b"homeroom-nobody!";

/// What a stored hash may ask for at most, so that no row of a database decides how much memory
/// and time this Worker spends.
const MAX_MEMORY_KIB: u32 = 64 * 1_024;
const MAX_PASSES: u32 = 8;
const MAX_LANES: u32 = 4;

/// Why no answer could be given.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// A password to be hashed is longer than [`MAX_PASSWORD_BYTES`].
    #[error("the password is longer than {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// The parameters of a hasher are out of range.
    #[error("parameters: {0}")]
    Parameters(argon2::Error),
    /// Argon2 refused its input, or its result could not be encoded.
    #[error("hashing: {0}")]
    Hashing(PhcError),
}

/// Argon2id with today's parameters.
#[derive(Debug, Clone)]
pub struct Hasher {
    params: Params,
}

impl Default for Hasher {
    /// The parameters of production: 19 MiB, two passes, one lane.
    fn default() -> Self {
        let params = Params::DEFAULT;
        Self { params }
    }
}

impl Hasher {
    /// A hasher with memory in KiB, passes and lanes of its own, for tests that need cheap work.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, HashError> {
        let params = Params::new(memory_kib, passes, lanes, None).map_err(HashError::Parameters)?;
        Ok(Self { params })
    }

    /// Does the work that is asked for; `salt` is fresh entropy for a hash that may be made.
    pub fn answer(
        &self,
        request: &PasswordRequest,
        salt: [u8; SALT_BYTES],
    ) -> Result<PasswordReply, HashError> {
        match request {
            PasswordRequest::Hash { password } => Ok(PasswordReply::Hashed {
                phc: self.hash(password.as_bytes(), salt)?,
            }),
            PasswordRequest::Verify { password, phc } => {
                let (matches, rehash) = self.verify(password.as_bytes(), phc.as_deref(), salt)?;
                Ok(PasswordReply::Verified { matches, rehash })
            }
        }
    }

    fn hash(&self, password: &[u8], salt: [u8; SALT_BYTES]) -> Result<String, HashError> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(HashError::TooLong);
        }
        let tag = tag(&self.params, password, &salt, TAG_BYTES)?;
        let salt = SaltString::encode_b64(&salt).map_err(HashError::Hashing)?;
        let (m, t, p) = costs(&self.params);
        Ok(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${tag}"))
    }

    /// Whether a password is the one of a stored hash, and a new hash when the stored one is not
    /// of today. Without a hash, or with one that cannot be used, it never is, and finding that out
    /// costs as much as a comparison of today.
    fn verify(
        &self,
        password: &[u8],
        phc: Option<&str>,
        salt: [u8; SALT_BYTES],
    ) -> Result<(bool, Option<String>), HashError> {
        let stored = phc
            .filter(|_| password.len() <= MAX_PASSWORD_BYTES)
            .and_then(StoredHash::read);
        let Some(stored) = stored else {
            let password = password.get(..MAX_PASSWORD_BYTES).unwrap_or(password);
            std::hint::black_box(tag(&self.params, password, NO_SALT, TAG_BYTES)?);
            return Ok((false, None));
        };
        let tag = tag(&stored.params, password, &stored.salt, stored.tag.len())?;
        // The comparison of two outputs takes constant time.
        let matches = tag == stored.tag;
        let rehash = (matches && !stored.is_of(&self.params))
            .then(|| self.hash(password, salt))
            .transpose()?;
        Ok((matches, rehash))
    }
}

fn tag(params: &Params, password: &[u8], salt: &[u8], length: usize) -> Result<Output, HashError> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    Output::init_with(length, |tag| {
        Ok(argon2.hash_password_into(password, salt, tag)?)
    })
    .map_err(HashError::Hashing)
}

/// A stored hash that this hasher is willing to compare with.
struct StoredHash {
    params: Params,
    salt: Vec<u8>,
    tag: Output,
}

impl StoredHash {
    fn read(phc: &str) -> Option<Self> {
        let hash = PasswordHash::new(phc).ok()?;
        let known = hash.algorithm == ARGON2ID_IDENT && hash.version == Some(Version::V0x13.into());
        if !known || hash.params.iter().count() != 3 {
            return None;
        }
        let cost = |name, at_most| {
            let cost = hash.params.get_decimal(name)?;
            (cost <= at_most).then_some(cost)
        };
        let (m, t, p) = (
            cost("m", MAX_MEMORY_KIB)?,
            cost("t", MAX_PASSES)?,
            cost("p", MAX_LANES)?,
        );
        let mut salt = [0; Salt::MAX_LENGTH];
        let salt = hash.salt?.decode_b64(&mut salt).ok()?.to_vec();
        (salt.len() >= MIN_SALT_LEN).then_some(Self {
            params: Params::new(m, t, p, None).ok()?,
            salt,
            tag: hash.hash?,
        })
    }

    fn is_of(&self, today: &Params) -> bool {
        costs(&self.params) == costs(today)
            && self.salt.len() == SALT_BYTES
            && self.tag.len() == TAG_BYTES
    }
}

fn costs(params: &Params) -> (u32, u32, u32) {
    (params.m_cost(), params.t_cost(), params.p_cost())
}

#[cfg(test)]
mod tests;
