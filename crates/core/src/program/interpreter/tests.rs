//! Command lines of interpreters, read.

use super::*;

fn read(command: &str) -> Invocation {
    let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    let interpreter = find(Path::new(&words[0])).expect("an interpreter");
    interpreter.read(&words[1..])
}

fn options(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn the_script_is_found_behind_the_options() {
    for (command, before, script) in [
        ("python3 report.py --all", &[][..], "report.py"),
        (
            "/usr/bin/python3.11 -u -W error report.py",
            &["-u", "-W", "error"],
            "report.py",
        ),
        ("python3 -Werror report.py", &["-Werror"], "report.py"),
        (
            "node --require ./hook.js server.js",
            &["--require", "./hook.js"],
            "server.js",
        ),
        (
            "node --import=./hook.js server.js",
            &["--import=./hook.js"],
            "server.js",
        ),
        (
            "deno run --allow-net server.ts",
            &["--allow-net"],
            "server.ts",
        ),
        ("bash -e deploy.sh prod", &["-e"], "deploy.sh"),
        (
            "bash --rcfile x -- deploy.sh",
            &["--rcfile", "x"],
            "deploy.sh",
        ),
        (
            "bash -o pipefail deploy.sh",
            &["-o", "pipefail"],
            "deploy.sh",
        ),
        ("perl -w report.pl", &["-w"], "report.pl"),
        ("java -Dapp -jar app.jar", &["-Dapp", "-jar"], "app.jar"),
        ("node inspect server.js", &["inspect"], "server.js"),
        ("bun run run.ts", &[], "run.ts"),
        (
            "ld-linux-x86-64.so.2 --preload x /bin/tool",
            &["--preload", "x"],
            "/bin/tool",
        ),
    ] {
        let invocation = read(command);
        assert_eq!(
            invocation.target,
            Target::Script(script.to_owned()),
            "{command}"
        );
        assert_eq!(invocation.options, options(before), "{command}");
    }
}

#[test]
fn text_on_the_command_line_is_the_program_with_its_arguments() {
    for (command, text) in [
        ("sh -c curl $1", &["curl", "$1"][..]),
        ("bash -lc env x", &["env", "x"]),
        ("bash -c -e env", &["env"]),
        ("python3 -c print(1) a", &["print(1)", "a"]),
        ("python3 -Ic print(1)", &["print(1)"]),
        ("node -e run()", &["run()"]),
        ("node --eval=run() x", &["run()", "x"]),
        ("perl -e run", &["run"]),
        ("deno eval run() x", &["run()", "x"]),
    ] {
        assert_eq!(
            read(command).target,
            Target::Inline(options(text)),
            "{command}"
        );
    }
}

#[test]
fn a_module_is_named() {
    let module = Target::Module("http.server".to_owned());
    assert_eq!(read("python3 -m http.server 80").target, module);
    assert_eq!(read("python3 -Im http.server").target, module);
    let main = Target::Module("Main".to_owned());
    assert_eq!(read("java -cp lib Main").target, main);
    let remote = Target::Module("npm:tool".to_owned());
    assert_eq!(read("deno run npm:tool").target, remote);
}

#[test]
fn without_a_program_there_is_none() {
    for command in [
        "bash -l -i",
        "python3",
        "node -",
        "sh -s a.sh",
        "bash --norc",
        "python3 -c",
    ] {
        assert_eq!(read(command).target, Target::None, "{command}");
    }
}

#[test]
fn other_executables_are_no_interpreters() {
    for name in ["/usr/bin/git", "shfmt", "nodemon", "pythonista", ""] {
        assert_eq!(find(Path::new(name)), None, "{name}");
    }
}
