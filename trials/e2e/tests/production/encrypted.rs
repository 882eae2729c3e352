//! PostgreSQL and Redis with TLS and a private authority, and with the roles and rights of deploy/.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use servers::{
    Durability, Postgres, PostgresOptions, Redis, RedisOptions, account::scratch_dir, ports::free_port,
};
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::{PASSWORD, SERVICES};

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
        // By the name of both, curl would take a certificate for self-signed.
        params.distinguished_name.push(DnType::CommonName, "authority");
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

    /// A certificate and its key in one file.
    pub fn pair(&self) -> String {
        let (certificate, key) = self.issue();
        certificate + &key
    }

    /// A certificate for 127.0.0.1, and its key.
    pub fn issue(&self) -> (String, String) {
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
        servers.run("roles.sh");
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
        for (user, rules) in users() {
            let mut acl = redis::cmd("ACL");
            acl.arg("SETUSER").arg(user).arg(rules);
            acl.query_async::<()>(&mut connection).await.expect("a user");
        }
    }

    /// Runs a script of deploy/postgres as the first start of Compose does.
    fn run(&self, script: &str) {
        let secrets = self.authority.folder.path();
        for service in SERVICES {
            let owner = format!("orderflow_{service}_owner");
            let url = self.database_url(&owner, service).replace("require", "disable");
            for (file, content) in [
                (service.to_owned(), PASSWORD),
                (format!("{service}_owner"), PASSWORD),
                (format!("{service}-database-url"), &url),
            ] {
                fs::write(secrets.join(file), content).expect("it is written");
            }
        }
        fs::write(secrets.join("operator"), PASSWORD).expect("it is written");
        let output = Command::new("sh")
            .arg(deploy().join("postgres").join(script))
            .env("SECRETS", secrets)
            .envs([("PGHOST", "127.0.0.1".to_owned()), ("PGPORT", self.postgres.port().to_string())])
            .env("PGPASSWORD", self.postgres.password())
            .output()
            .expect("a shell");
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// After the migrations.
    pub fn give_rights(&self) {
        self.run("rights.sh");
    }

    /// What `role` gets for a statement in the database of `service`.
    pub async fn ask(&self, role: &str, service: &str, sql: &str) -> Result<String, String> {
        let url = self.database_url(role, service).replace("require", "disable");
        let chain = |error: tokio_postgres::Error| format!("{error}: {:?}", error.as_db_error());
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.map_err(chain)?;
        let work = async move {
            let rows = client.simple_query(sql).await.map_err(chain)?;
            let first = rows.into_iter().filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            });
            Ok(first.collect::<Vec<_>>().join(" "))
        };
        tokio::join!(work, connection).0
    }

    /// What Redis answers `user` to a command.
    pub async fn command(&self, user: &str, words: &[&str]) -> Result<(), String> {
        let url = format!("redis://{user}:{PASSWORD}@127.0.0.1:{}/0", self.redis.port());
        let mut command = redis::Cmd::new();
        words.iter().for_each(|word| _ = command.arg(*word));
        let answer = command.query_async::<redis::Value>(&mut testing::redis_connection(&url).await).await;
        answer.map(drop).map_err(|error| error.to_string())
    }

    pub fn database_url(&self, role: &str, service: &str) -> String {
        let port = self.postgres.port();
        format!("postgres://{role}:{PASSWORD}@127.0.0.1:{port}/orderflow_{service}?sslmode=require")
    }

    pub fn plain_database_url(&self) -> String {
        self.postgres.url("postgres")
    }

    pub fn redis_url(&self, user: &str) -> String {
        format!("rediss://{user}:{PASSWORD}@127.0.0.1:{}/0", self.tls_port)
    }

    pub fn plain_redis_url(&self) -> String {
        self.redis.url()
    }

    async fn redis(&self) -> redis::aio::MultiplexedConnection {
        testing::redis_connection(&self.redis.url()).await
    }
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

/// Name and rules of each user of deploy/redis/users.acl, except `default`, which is this test.
fn users() -> Vec<(String, Vec<String>)> {
    let file = fs::read_to_string(deploy().join("redis/users.acl")).expect("the rules");
    let rules = file
        .lines()
        .filter_map(|line| line.strip_prefix("user "))
        .filter(|line| !line.starts_with("default"));
    let user = |line: &str| {
        let mut words = line.split(' ').map(|word| match word.strip_prefix('#') {
            Some(_) => format!(">{PASSWORD}"),
            None => word.to_owned(),
        });
        (words.next().expect("a name"), words.collect())
    };
    rules.map(user).collect()
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
