//! The way to PostgreSQL through a network: TLS to the one that the authority vouches for, or nothing.

use std::path::PathBuf;
use std::time::Duration;

use homeroom_bridge::store::{
    Store, StoreError,
    postgres::{Options, PostgresStore},
};
use homeroom_bridge::tls::Tls;
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::NoTls;

use crate::authority::Authority;
use crate::cluster::{Database, database};
use crate::place::{NO_LIMITS, NOW, message};

/// A database whose server presents a certificate; the server is one for all tests, so only one has it at a time.
struct Encrypted {
    database: Database,
    _turn: MutexGuard<'static, ()>,
}

impl Encrypted {
    /// With the certificate of this authority, or without TLS; `None` where PostgreSQL is switched off by hand.
    async fn with(authority: Option<&Authority>) -> Option<Self> {
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        let database = database().await?;
        let client = database.client().await;
        let settings = match authority {
            None => vec![String::from("ssl = off")],
            Some(authority) => {
                let [cert, key] =
                    ["client.pem", "client.key"].map(|name| database.own(&authority.file(name)));
                vec![
                    format!("ssl_cert_file = '{}'", cert.display()),
                    format!("ssl_key_file = '{}'", key.display()),
                    String::from("ssl = on"),
                ]
            }
        };
        for setting in &settings {
            let sql = format!("ALTER SYSTEM SET {setting}");
            client.batch_execute(&sql).await.unwrap();
        }
        client
            .batch_execute("SELECT pg_reload_conf()")
            .await
            .unwrap();
        // The server reads its settings when it gets to it.
        let expected = authority.map(|authority| authority.file("client.pem"));
        while !presents(&database, expected.as_ref()).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Some(Self {
            database,
            _turn: turn,
        })
    }

    async fn open(&self, host: &str, tls: Option<Tls>) -> Result<PostgresStore, StoreError> {
        let options = Options {
            tls,
            ..Options::new("one")
        };
        PostgresStore::open(&self.database.by_tcp(host), options).await
    }

    async fn refusal(&self, host: &str, tls: Tls) -> String {
        self.open(host, Some(tls)).await.unwrap_err().to_string()
    }
}

/// Whether new connections see what was set.
async fn presents(database: &Database, cert: Option<&PathBuf>) -> bool {
    let client = database.client().await;
    let shown = async |name: &str| -> String {
        let row = client.query_one(&format!("SHOW {name}"), &[]).await;
        row.unwrap().get(0)
    };
    match cert {
        None => shown("ssl").await == "off",
        Some(cert) => {
            let folder = cert.parent().unwrap().file_name().unwrap();
            shown("ssl").await == "on"
                && shown("ssl_cert_file")
                    .await
                    .contains(folder.to_str().unwrap())
        }
    }
}

/// This authority, and the name that the address says.
fn trust(authority: &Authority) -> Tls {
    Tls {
        server_name: None,
        ..authority.trusted()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_reached_by_tls_under_an_authority_of_its_own() {
    let authority = Authority::new("store-good", false);
    let Some(server) = Encrypted::with(Some(&authority)).await else {
        return;
    };
    let store = server
        .open("localhost", Some(trust(&authority)))
        .await
        .unwrap();
    store
        .accept(vec![message("m", 1)], NO_LIMITS, NOW)
        .await
        .unwrap();
    let client = server.database.client().await;
    let sql = "SELECT count(*) FILTER (WHERE ssl), count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    let row = client.query_one(sql, &[]).await.unwrap();
    let (encrypted, all): (i64, i64) = (row.get(0), row.get(1));
    assert!(
        encrypted >= 2,
        "the holder of the name, and one that accepted"
    );
    assert_eq!(encrypted, all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_nobody_known_vouches_for_is_refused() {
    let authority = Authority::new("store-known", false);
    let foreign = Authority::new("store-foreign", false);
    let Some(server) = Encrypted::with(Some(&foreign)).await else {
        return;
    };
    let refusal = server.refusal("localhost", trust(&authority)).await;
    assert!(refusal.contains("invalid peer certificate"), "{refusal}");
    // Those of the system do not know it either.
    let refusal = server.refusal("localhost", Tls::default()).await;
    assert!(refusal.contains("UnknownIssuer"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_certificate_or_one_for_another_name_is_refused() {
    let expired = Authority::new("store-expired", true);
    let Some(server) = Encrypted::with(Some(&expired)).await else {
        return;
    };
    let refusal = server.refusal("localhost", trust(&expired)).await;
    assert!(refusal.contains("expired"), "{refusal}");
    drop(server);
    let authority = Authority::new("store-name", false);
    let Some(server) = Encrypted::with(Some(&authority)).await else {
        return;
    };
    let refusal = server.refusal("127.0.0.1", trust(&authority)).await;
    assert!(refusal.contains("not valid for name"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_not_talked_to_in_the_clear() {
    let authority = Authority::new("store-plain", false);
    let Some(server) = Encrypted::with(None).await else {
        return;
    };
    // Also where the address says that it would be good enough.
    for more in ["", " sslmode=prefer", " sslmode=disable"] {
        let host = format!("localhost{more}");
        let refusal = server.refusal(&host, trust(&authority)).await;
        assert!(refusal.contains("server does not support TLS"), "{refusal}");
    }
    let plain = tokio_postgres::connect(&server.database.by_tcp("localhost"), NoTls).await;
    assert!(plain.is_ok(), "the server is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_authority_file_is_named() {
    let authority = Authority::new("store-missing", false);
    let Some(server) = Encrypted::with(Some(&authority)).await else {
        return;
    };
    let tls = Tls {
        ca: Some("/nowhere/ca.pem".into()),
        ..Tls::default()
    };
    let refusal = server.refusal("localhost", tls).await;
    assert!(refusal.contains("/nowhere/ca.pem"), "{refusal}");
}
