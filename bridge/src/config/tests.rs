use std::time::Duration;

use super::*;

const EXAMPLE: &str = include_str!("../../bridge.example.toml");

fn mistakes(text: &str) -> Vec<String> {
    let list = match Config::parse(text, Path::new("/tmp")) {
        Ok(_) => Vec::new(),
        Err(list) => list,
    };
    let show = |one: Mistake| format!("{}:{} {}", one.line, one.column, one.text);
    list.into_iter().map(show).collect()
}

/// The line of the example that starts with `line`, changed.
fn changed(line: &str, to: &str) -> Vec<String> {
    assert_eq!(EXAMPLE.matches(&format!("\n{line}")).count(), 1, "{line}");
    mistakes(&EXAMPLE.replace(&format!("\n{line}"), &format!("\n{to}")))
}

fn line_of(line: &str) -> usize {
    EXAMPLE
        .lines()
        .position(|one| one.starts_with(line))
        .unwrap()
        + 1
}

#[test]
fn the_example_is_a_good_configuration() {
    let config = Config::parse(EXAMPLE, Path::new("/tmp")).unwrap();
    assert_eq!(config.links.keys().collect::<Vec<_>>(), [&100, &101]);
    assert_eq!(config.pools[&1000].links[&100], Weight(2));
    assert_eq!(config.links[&100].port, 2775);
    assert_eq!(
        config.store.sqlite.as_deref(),
        Some(Path::new("/tmp/bridge.db"))
    );
    assert!(config.keys.read.is_some());
}

#[test]
fn every_line_that_the_example_shows_as_a_default_is_the_default() {
    let mut uncommented = String::new();
    for line in EXAMPLE.lines() {
        let setting = line.strip_prefix("# ").filter(|rest| {
            rest.split_once(" = ").is_some_and(|(name, value)| {
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                    && !name.ends_with("_file")
                    && !["cert", "key", "ca", "tls", "postgres", "old_secret"].contains(&name)
                    && !["monitoring_ips", "trusted_proxies", "allowed_ips"].contains(&name)
                    && ![
                        "permanent_errors",
                        "rate",
                        "burst",
                        "query_after",
                        "inactivity",
                        "sends_by",
                        "country",
                    ]
                    .contains(&name)
                    && !value.is_empty()
            })
        });
        uncommented.push_str(setting.unwrap_or(line));
        uncommented.push('\n');
    }
    let plain = Config::parse(EXAMPLE, Path::new("/tmp")).unwrap();
    let written = Config::parse(&uncommented, Path::new("/tmp")).unwrap();
    assert_eq!(format!("{plain:?}"), format!("{written:?}"));
    assert!(uncommented.contains("\nwindow = 10") && uncommented.contains("\nsegments = 10"));
    assert!(uncommented.contains("\nenquire_link = \"30s\""));
}

#[test]
fn a_mistake_is_named_with_its_place_and_what_to_write_instead() {
    let host = line_of("host");
    for (line, to, expected) in [
        (
            "system_id = \"school\"\npassword = \"secret\"\n# password_file",
            "systemid = \"school\"\npassword = \"secret\"\n# password_file",
            format!("{}:1 unknown key `systemid`: write `system_id`", host + 2),
        ),
        (
            "window = 10 ",
            "window = 0 ",
            format!(
                "{}:10 write a whole number from 1 to 10000",
                line_of("window")
            ),
        ),
        (
            "window = 10 ",
            "window = \"10\" ",
            format!(
                "{}:10 write a whole number from 1 to 10000",
                line_of("window")
            ),
        ),
        (
            "rate = 50   ",
            "rate = -5   ",
            format!(
                "{}:8 write a number above 0, at most 1000000: how many a second",
                line_of("rate")
            ),
        ),
        (
            "# enquire_link",
            "enquire_link = \"30\" #",
            format!(
                "{}:16 write a time in quotes: \"500ms\", \"30s\", \"5m\", \"24h\" or \"30d\"",
                line_of("# enquire_link")
            ),
        ),
        (
            "# bind =",
            "bind = \"both\" #",
            format!(
                "{}:8 unknown variant `both`, expected one of `transceiver`, `transmitter`, `receiver`",
                line_of("# bind")
            ),
        ),
        (
            "links = { 100 = 2, 101 = 1 }",
            "links = { 100 = 2, 102 = 1 }",
            format!(
                "{}:26 no link 102: write one of 100, 101",
                line_of("links =")
            ),
        ),
        (
            "[pools.1000]",
            "[pools.100]",
            format!(
                "{}:8 100 is a link already: write another number",
                line_of("[pools.1000]")
            ),
        ),
        (
            "[pools.1000]",
            "[pools.main]",
            format!(
                "{}:8 `main` is not a number of a link or pool: write a whole number such as 100",
                line_of("[pools.1000]")
            ),
        ),
        (
            "secret = \"replace-me-replace-me-replace-me\"",
            "secret = \"hunter2\"",
            format!(
                "{}:10 too short: write at least 24 characters, as `openssl rand -base64 32` makes them",
                line_of("secret =")
            ),
        ),
        (
            "url = \"https://sms.example.org\"",
            "url = \"http://sms.example.org\"",
            format!(
                "{}:7 plain HTTP to another machine: write https://…, or `allow_http = true` if the way there is safe",
                line_of("url =")
            ),
        ),
        (
            "# password_file = \"/run/secrets/operator\"",
            "password_file = \"/run/secrets/operator\"",
            format!(
                "{}:17 both `password` and `password_file`: keep one",
                line_of("# password_file")
            ),
        ),
    ] {
        assert_eq!(changed(line, to), [expected], "{to}");
    }
}

#[test]
fn tls_to_the_database_is_all_or_nothing_and_knows_a_name() {
    let at = line_of("# sqlite");
    let found = |lines: &[&str]| {
        let text = lines.join("\n");
        changed("# sqlite = \"bridge.db\"", &format!("{text} #"))
    };
    let url = |rest: &str| format!("postgres = \"postgres://u:hunter2@{rest}\"");
    let remote = url("db.example.org/bridge");
    assert_eq!(found(&[&remote]), [""; 0]);
    assert_eq!(found(&[&remote, "tls = {}"]), [""; 0]);
    let required = url("db.example.org/bridge?sslmode=require");
    assert_eq!(found(&[&required, "tls = {}"]), [""; 0]);
    for (lines, line, expected) in [
        (vec![required.as_str()], 0, "does not say whom to believe"),
        (
            vec![&url("db.example.org/bridge?sslmode=disable"), "tls = {}"],
            0,
            "keep one",
        ),
        (
            vec![&url("%2Frun%2Fpostgresql/bridge"), "tls = {}"],
            1,
            "a certificate is for a name",
        ),
        (vec!["tls = {}"], 0, "only `postgres`"),
        (
            vec![&remote, "tls = { ca = \"nowhere.pem\" }"],
            1,
            "cannot be read as PEM",
        ),
        (
            vec![&remote, "tls = { client_key = \"nowhere.pem\" }"],
            1,
            "write `client_cert` too",
        ),
        (
            vec![&remote, "tls = { CA = \"nowhere.pem\" }"],
            1,
            "unknown key `CA`",
        ),
    ] {
        let found = found(&lines);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!("{}:", at + line)) && found[0].contains(expected),
            "{found:?}"
        );
        assert!(!found[0].contains("hunter2"), "{found:?}");
    }
}

#[test]
fn a_pool_of_links_that_write_differently_and_a_burst_of_no_rate_are_mistakes() {
    for (line, to, expected) in [
        (
            "# alphabet = \"gsm7\"",
            "alphabet = \"latin1\"",
            format!(
                "{}:26 link 101 has another `alphabet` or `header` than the first: make them the same, or remove it here",
                line_of("links =")
            ),
        ),
        (
            "# rate = 80 ",
            "burst = 8 ",
            format!(
                "{}:9 a burst of no rate: write `rate` too, or remove it",
                line_of("# rate = 80")
            ),
        ),
    ] {
        assert_eq!(changed(line, to), [expected], "{to}");
    }
}

#[test]
fn all_mistakes_of_the_whole_are_told_at_once_in_their_order() {
    let text = EXAMPLE
        .replace("\"replace-me-replace-me-replace-me\"", "\"short\"")
        .replace("smpp2.operator.example", "smpp://x")
        .replace("101 = 1 }", "7 = 1 }");
    let found = mistakes(&text);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].contains("too short"));
    assert!(found[1].contains("a name or an address alone"));
    assert!(found[2].contains("no link 7"));
}

#[test]
fn a_mistake_in_a_secret_does_not_show_it() {
    for (line, to) in [
        ("sms = \"k1", "sms = \"k9:hunter2-hunter2\" #"),
        (
            "password = \"secret\"\n# password_file",
            "password = 4711004711\n# password_file",
        ),
        (
            "password = \"secret\"\n# password_file",
            "password = \"hunter2\n# password_file",
        ),
        ("secret = \"replace-me", "secret = \"hunter2\" #"),
    ] {
        let found = changed(line, to);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            !found[0].contains("hunter2") && !found[0].contains("4711"),
            "{found:?}"
        );
    }
}

#[test]
fn a_file_is_named_in_front_of_its_mistakes() {
    let missing = Config::load(Path::new("/nowhere/bridge.toml")).unwrap_err();
    assert!(
        missing
            .to_string()
            .starts_with("/nowhere/bridge.toml: cannot be read: ")
    );
}

#[test]
fn reading_again_finds_what_changed_and_nothing_else() {
    let old = Config::parse(EXAMPLE, Path::new("/tmp")).unwrap();
    let read =
        |text: &str| Changes::between(&old, &Config::parse(text, Path::new("/tmp")).unwrap());
    assert!(read(EXAMPLE).is_empty());
    let faster = read(&EXAMPLE.replace("window = 10 ", "window = 20 "));
    assert_eq!(
        faster,
        Changes {
            changed: vec![100],
            ..Changes::default()
        }
    );
    let renamed = EXAMPLE
        .replace("[links.101]", "[links.102]")
        .replace("101 = 1", "102 = 1");
    let expected = Changes {
        added: vec![102],
        removed: vec![101],
        pools: vec![1000],
        ..Changes::default()
    };
    assert_eq!(read(&renamed), expected);
    let paced = read(&EXAMPLE.replace("# rate = 80", "rate = 80"));
    assert_eq!(
        (paced.pools.as_slice(), paced.changed.len()),
        (&[1000][..], 0)
    );
    let ended = "# inactivity = \"10m\"";
    assert_eq!(read(&EXAMPLE.replace(ended, &ended[2..])).changed, [100]);
    let slower = read(&EXAMPLE.replace("# validity = \"24h\"", "validity = \"1h\""));
    assert_eq!(slower.at_restart, ["limits"]);
    assert!(slower.is_empty());
}

#[test]
fn a_password_is_read_from_its_file_without_the_line_end() {
    let folder = std::env::temp_dir().join(format!("bridge-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("operator"), "from the file\n").unwrap();
    let text = EXAMPLE.replacen("password = \"secret\"", "password_file = \"operator\"", 1);
    let config = Config::parse(&text, &folder).unwrap();
    let password = config.links[&100].password.as_ref().map(Secret::expose);
    assert_eq!(password, Some("from the file"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn limits_hold_where_the_file_says_nothing() {
    let limits = Limits::default();
    assert_eq!(limits.body, 256 * 1024);
    assert_eq!(limits.validity, Duration::from_hours(24));
}

#[test]
fn a_link_hears_all_that_the_file_says_of_it() {
    let text = EXAMPLE
        .replace("# bind = \"transceiver\"", "bind = \"receiver\"")
        .replace(
            "# id_form = { response = \"exact\"",
            "id_form = { response = \"hex\"",
        )
        .replace("# permanent_errors", "permanent_errors")
        .replace("links = { 100 = 2, 101 = 1 }", "links = { 101 = 1 }");
    let config = Config::parse(&text, Path::new("/tmp")).unwrap();
    let settings = config.links[&100].settings(100, 10);
    assert_eq!(settings.bind, crate::smpp::pdu::BindMode::Receiver);
    assert_eq!(settings.ids.response, crate::smpp::provider_id::IdForm::Hex);
    assert_eq!(settings.exceptions.permanent, [1025]);
    assert_eq!(
        (settings.rate, settings.burst, settings.window),
        (50.0, 50, 10)
    );
    assert_eq!(
        (settings.provider.as_str(), settings.port),
        ("operator", 2775)
    );
    assert_eq!(settings.cut, homeroom_domain::sms::cut::Cut::default());
    let other = config.links[&101].settings(101, 10);
    assert_eq!(other.timers, crate::smpp::config::Timers::default());
    assert!(!format!("{settings:?}").contains("secret"));
}
