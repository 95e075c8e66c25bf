use super::*;

const SALT: [u8; SALT_BYTES] = *b"0123456789abcdef";
const OTHER_SALT: [u8; SALT_BYTES] = *b"fedcba9876543210";

fn cheap() -> Hasher {
    Hasher::new(16, 1, 1).unwrap()
}

fn hash(hasher: &Hasher, password: &str) -> String {
    let request = PasswordRequest::Hash {
        password: password.into(),
    };
    match hasher.answer(&request, SALT).unwrap() {
        PasswordReply::Hashed { phc } => phc,
        other @ PasswordReply::Verified { .. } => panic!("{other:?}"),
    }
}

fn verify(hasher: &Hasher, password: &str, phc: Option<&str>) -> (bool, Option<String>) {
    let request = PasswordRequest::Verify {
        password: password.into(),
        phc: phc.map(str::to_owned),
    };
    match hasher.answer(&request, OTHER_SALT).unwrap() {
        PasswordReply::Verified { matches, rehash } => (matches, rehash),
        other @ PasswordReply::Hashed { .. } => panic!("{other:?}"),
    }
}

#[test]
fn production_hashes_with_19_mib_two_passes_and_one_lane() {
    let phc = hash(&Hasher::default(), "correct horse");
    // What the reference implementation in C answers to the same salt and parameters.
    assert_eq!(
        phc,
        "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg\
         $rk2Mi3E4dgRMg0fHaYaptWVZRKqs//6b6k3/nntqGJk"
    );
    assert_eq!(
        verify(&Hasher::default(), "correct horse", Some(&phc)),
        (true, None)
    );
}

#[test]
fn hashing_and_verifying_agree_with_the_library_itself() {
    use argon2::password_hash::{PasswordHasher, PasswordVerifier};
    let library = Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(16, 1, 1, None).unwrap(),
    );
    let ours = hash(&cheap(), "correct horse");
    let parsed = PasswordHash::new(&ours).unwrap();
    library.verify_password(b"correct horse", &parsed).unwrap();
    let salt = SaltString::encode_b64(&SALT).unwrap();
    let theirs = library.hash_password(b"correct horse", &salt).unwrap();
    assert_eq!(theirs.to_string(), ours);
}

#[test]
fn only_the_password_that_was_hashed_matches() {
    let hasher = cheap();
    for password in [
        "correct horse",
        "",
        "пароль",
        "\0",
        &"x".repeat(MAX_PASSWORD_BYTES),
    ] {
        let phc = hash(&hasher, password);
        assert_eq!(verify(&hasher, password, Some(&phc)), (true, None));
        let wrong = format!("{password} ");
        assert_eq!(verify(&hasher, &wrong, Some(&phc)), (false, None));
    }
}

#[test]
fn an_unknown_user_never_matches() {
    assert_eq!(verify(&cheap(), "correct horse", None), (false, None));
}

#[test]
fn a_hash_of_other_parameters_matches_and_comes_back_as_one_of_today() {
    let today = cheap();
    for then in [(8, 1, 1), (16, 2, 1), (64, 1, 1), (32, 3, 2)] {
        let before = Hasher::new(then.0, then.1, then.2).unwrap();
        let phc = hash(&before, "correct horse");
        assert_eq!(verify(&today, "wrong", Some(&phc)), (false, None));
        let (matches, rehash) = verify(&today, "correct horse", Some(&phc));
        assert!(matches, "{then:?}");
        let rehash = rehash.unwrap();
        assert!(
            rehash.starts_with("$argon2id$v=19$m=16,t=1,p=1$"),
            "{rehash}"
        );
        assert_eq!(verify(&today, "correct horse", Some(&rehash)), (true, None));
    }
}

#[test]
fn a_short_tag_matches_and_is_replaced() {
    let hasher = cheap();
    let tag = tag(&hasher.params, b"pw", &SALT, 16).unwrap();
    let salt = SaltString::encode_b64(&SALT).unwrap();
    let phc = format!("$argon2id$v=19$m=16,t=1,p=1${salt}${tag}");
    let (matches, rehash) = verify(&hasher, "pw", Some(&phc));
    assert!(matches && rehash.is_some());
}

#[test]
fn a_hash_that_is_malformed_or_absurd_does_not_match() {
    let hasher = cheap();
    let good = hash(&hasher, "pw");
    let tail = good.strip_prefix("$argon2id$v=19$m=16,t=1,p=1").unwrap();
    let (_, tag) = tail.rsplit_once('$').unwrap();
    for phc in [
        String::new(),
        "plain".into(),
        "$2b$12$abcdefghijklmnopqrstuv".into(),
        "$argon2id$".into(),
        format!("$argon2i$v=19$m=16,t=1,p=1{tail}"),
        format!("$argon2id$v=16$m=16,t=1,p=1{tail}"),
        format!("$argon2id$m=16,t=1,p=1{tail}"),
        format!("$argon2id$v=19$m=16,t=1{tail}"),
        format!("$argon2id$v=19$m=16,t=1,p=1,keyid=AAAA{tail}"),
        format!("$argon2id$v=19$m=65537,t=1,p=1{tail}"),
        format!("$argon2id$v=19$m=4294967295,t=1,p=1{tail}"),
        format!("$argon2id$v=19$m=16,t=0,p=1{tail}"),
        format!("$argon2id$v=19$m=16,t=9,p=1{tail}"),
        format!("$argon2id$v=19$m=16,t=1,p=0{tail}"),
        format!("$argon2id$v=19$m=16,t=1,p=5{tail}"),
        format!("$argon2id$v=19$m=7,t=1,p=1{tail}"),
        format!("$argon2id$v=19$m=16,t=1,p=1$c2hvcnQ${tag}"),
        "$argon2id$v=19$m=16,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg".into(),
        format!("{good}\n"),
    ] {
        assert_eq!(verify(&hasher, "pw", Some(&phc)), (false, None), "{phc}");
    }
    assert_eq!(verify(&hasher, "pw", Some(&good)), (true, None));
}

#[test]
fn a_password_over_the_cap_is_not_hashed_and_never_matches() {
    let hasher = cheap();
    let long = "é".repeat(MAX_PASSWORD_BYTES / 2) + "x";
    let request = PasswordRequest::Hash {
        password: long.clone(),
    };
    let error = hasher.answer(&request, SALT).unwrap_err();
    assert!(matches!(error, HashError::TooLong));
    let phc = hash(&hasher, "pw");
    assert_eq!(verify(&hasher, &long, Some(&phc)), (false, None));
    assert_eq!(verify(&hasher, &long, None), (false, None));
}

#[test]
fn parameters_out_of_range_make_no_hasher() {
    for (memory, passes, lanes) in [(7, 1, 1), (16, 0, 1), (16, 1, 0), (8, 1, 2)] {
        assert!(Hasher::new(memory, passes, lanes).is_err());
    }
}
