use std::process::Command;

use ctl::stack::Kind;

use e2e::service_binaries;

/// Exit code and standard error.
fn run(kind: Kind, arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::new(service_binaries().join(kind.name()));
    let output =
        command.env_clear().args(arguments).envs(environment.iter().copied()).output().expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn all_settings_that_cannot_be_used_are_named_at_once() {
    for kind in Kind::ALL {
        let (code, said) = run(
            kind,
            &["--colour", "red", "--request-timeout", "soon"],
            &[("HTTP_BIND", "nowhere"), ("HTTP_WORKERS", "0")],
        );
        assert_eq!(code, Some(2), "{kind}: {said}");
        for setting in ["colour", "request-timeout", "http-bind", "http-workers", "database-url"] {
            assert!(said.contains(setting), "{kind} does not name {setting}:\n{said}");
        }
    }
}

#[test]
fn an_error_does_not_show_a_secret() {
    for kind in Kind::ALL {
        let (code, said) = run(
            kind,
            &[],
            &[("DATABASE_URL", "postgres://u:hunter2@:nonsense/d"), ("REDIS_URL", "redis://:hunter2@")],
        );
        assert_eq!(code, Some(2), "{kind}: {said}");
        assert!(!said.contains("hunter2"), "{kind}: {said}");
    }
}

#[test]
fn help_ends_well_and_names_every_setting() {
    for kind in Kind::ALL {
        let output = Command::new(service_binaries().join(kind.name()))
            .env_clear()
            .arg("--help")
            .output()
            .expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        assert!(text.contains("--http-bind") && text.contains("--database-url"), "{text}");
    }
}
