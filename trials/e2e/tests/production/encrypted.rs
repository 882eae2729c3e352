//! PostgreSQL and Redis with TLS and a private authority.

use std::{fs, path::PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use servers::{
    Durability, Postgres, PostgresOptions, Redis, RedisOptions, account::scratch_dir, ports::free_port,
};
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::PASSWORD;

pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

pub struct Servers {
    pub authority: Authority,
    postgres: Postgres,
    redis: Redis,
    /// TLS port of Redis; PostgreSQL has one for both.
    tls_port: u16,
    _data: TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer =
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate");
        let folder = scratch_dir().expect("a folder");
        fs::write(folder.path().join("ca.crt"), issuer.pem()).expect("it is written");
        Self { issuer, folder }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// A certificate for 127.0.0.1, and its key.
    fn issue(&self) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let certificate =
            CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name").signed_by(&key, &self.issuer);
        (certificate.expect("a certificate").pem(), key.serialize_pem())
    }
}

impl Servers {
    pub async fn start() -> Self {
        let authority = Authority::new();
        let data = scratch_dir().expect("a folder");
        let options = PostgresOptions {
            durability: Durability::ProcessCrash,
            ..PostgresOptions::new(data.path().join("postgres"))
        };
        let postgres = Postgres::start(options).await.expect("PostgreSQL");
        let redis = Redis::start(RedisOptions::new(data.path().join("redis"))).await.expect("Redis");
        let servers =
            Self { authority, postgres, redis, tls_port: free_port().expect("a port"), _data: data };
        servers.encrypt_postgres().await;
        servers.encrypt_redis().await;
        servers
    }

    /// The server writes the files itself, because it accepts a key of its own account only.
    async fn encrypt_postgres(&self) {
        let (certificate, key) = self.authority.issue();
        let write = |file, content: String| {
            format!(
                "COPY (SELECT unnest(string_to_array('{content}', E'\\n'))) TO PROGRAM 'umask 077; cat >{file}'"
            )
        };
        let files = [write("server.crt", certificate), write("server.key", key)];
        let statements =
            [files[0].as_str(), files[1].as_str(), "ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"];
        execute(&self.plain_database_url(), &statements).await.expect("PostgreSQL speaks TLS");
    }

    async fn encrypt_redis(&self) {
        let (certificate, key) = self.authority.issue();
        let folder = self.authority.folder.path();
        let certificate_file = folder.join("redis.crt");
        let key_file = folder.join("redis.key");
        fs::write(&certificate_file, certificate).expect("it is written");
        fs::write(&key_file, key).expect("it is written");
        let mut set = redis::cmd("CONFIG");
        set.arg("SET")
            .arg("tls-cert-file")
            .arg(certificate_file.to_str())
            .arg("tls-key-file")
            .arg(key_file.to_str());
        set.arg("tls-ca-cert-file").arg(self.authority.file().to_str()).arg("tls-auth-clients").arg("no");
        set.arg("tls-port").arg(self.tls_port);
        let mut connection = self.redis().await;
        set.query_async::<()>(&mut connection).await.expect("Redis speaks TLS");
        let mut acl = redis::cmd("ACL");
        acl.arg("SETUSER").arg("shop").arg("on").arg(format!(">{PASSWORD}")).arg("~*").arg("+@all");
        acl.query_async::<()>(&mut connection).await.expect("a user");
    }

    pub async fn create_database(&self, service: &str) {
        let role = |name: &str| format!("CREATE ROLE \"{name}\" LOGIN PASSWORD '{PASSWORD}'");
        let owner = role(&format!("{service}_owner"));
        let server = role(service);
        let database = format!("CREATE DATABASE \"{service}\" OWNER \"{service}_owner\"");
        execute(&self.plain_database_url(), &[&owner, &server, &database]).await.expect("a database");
        let grant = |rights| {
            format!("ALTER DEFAULT PRIVILEGES FOR ROLE \"{service}_owner\" GRANT {rights} TO \"{service}\"")
        };
        let tables = grant("SELECT, INSERT, UPDATE, DELETE ON TABLES");
        let sequences = grant("USAGE, SELECT ON SEQUENCES");
        execute(&self.postgres.url(service), &[&tables, &sequences]).await.expect("rights");
    }

    pub async fn may_create_tables(&self, role: &str) -> bool {
        let url = format!("postgres://{role}@127.0.0.1:{}/{role}", self.postgres.port());
        execute(&url, &["CREATE TABLE somebodys (id int)"]).await.is_ok()
    }

    pub async fn groups_of(&self, stream: &str) -> Result<(), String> {
        let mut groups = redis::cmd("XINFO");
        let found: Result<Vec<redis::Value>, _> =
            groups.arg("GROUPS").arg(stream).query_async(&mut self.redis().await).await;
        found
            .map_err(|error| error.to_string())
            .and_then(|groups| (!groups.is_empty()).then_some(()).ok_or("no group".to_owned()))
    }

    pub fn database_url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}:{PASSWORD}@127.0.0.1:{}/{database}?sslmode=require", self.postgres.port())
    }

    pub fn plain_database_url(&self) -> String {
        self.postgres.url("postgres")
    }

    pub fn redis_url(&self) -> String {
        format!("rediss://shop:{PASSWORD}@127.0.0.1:{}/0", self.tls_port)
    }

    pub fn plain_redis_url(&self) -> String {
        self.redis.url()
    }

    async fn redis(&self) -> redis::aio::MultiplexedConnection {
        testing::redis_connection(&self.redis.url()).await
    }
}

async fn execute(url: &str, statements: &[&str]) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let work = async move {
        for sql in statements {
            client.batch_execute(sql).await?;
        }
        Ok(())
    };
    tokio::join!(work, connection).0
}
