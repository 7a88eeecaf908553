use std::fmt::Write as _;

use clap::CommandFactory as _;

use super::*;

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

/// Every command's help, but for hidden commands and `help` itself.
#[test]
fn help_is_as_written() {
    fn pages(command: &mut clap::Command, name: &str, text: &mut String) {
        let help = command.render_long_help();
        writeln!(text, "===== {name} --help\n{help}").unwrap();
        let names: Vec<String> = command
            .get_subcommands()
            .filter(|command| !command.is_hide_set() && command.get_name() != "help")
            .map(|command| command.get_name().to_owned())
            .collect();
        for name_of_command in names {
            let sub = command
                .find_subcommand_mut(&name_of_command)
                .expect("just listed");
            pages(sub, &format!("{name} {name_of_command}"), text);
        }
    }
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut text = String::new();
    pages(&mut command, "valetkey", &mut text);
    insta::assert_snapshot!(text);
}

#[test]
fn the_hidden_aliases_are_taken() {
    let read = |line: &str| Cli::try_parse_from(line.split(' ')).unwrap();
    let Cli { global, command } =
        read("valetkey --to-instance staging register-authenticator github");
    assert!(matches!(command, Command::Add(_)));
    assert_eq!(global.profile, Some("staging".parse().unwrap()));
    assert!(matches!(
        read("valetkey list-authenticators").command,
        Command::List
    ));
    assert!(matches!(
        read("valetkey update-authenticator x").command,
        Command::Update(_)
    ));
    assert!(matches!(
        read("valetkey delete-authenticator x").command,
        Command::Remove(_)
    ));
    assert!(matches!(
        read("valetkey login x").command,
        Command::Connect(_)
    ));
    assert!(matches!(
        read("valetkey logout x").command,
        Command::Disconnect(_)
    ));
}

#[test]
fn mistakes_are_explained() {
    let explain = |line: &str| {
        let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        format!("$ {line}\n{error}\n")
    };
    let text: String = [
        "valetkey tokn",
        "valetkey token",
        "valetkey token x --header --json",
        "valetkey token x --min-ttl soon",
        "valetkey run --env 1X=github -- true",
        "valetkey run --env X=github",
        "valetkey --profile a/b list",
        "valetkey add github --client-secret s3cret",
        "valetkey add github --client-secret-stdin --client-secret-env X",
        "valetkey events --kind token.stolen",
    ]
    .map(explain)
    .concat();
    insta::assert_snapshot!(text);
}
