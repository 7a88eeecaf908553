//! The interpreters that are known, and their options. An option in no list costs only that each change of
//! the command line asks anew; a value that is taken for the program, or the reverse, costs more.

use super::Interpreter;

const PLAIN: Interpreter = Interpreter {
    names: "",
    verbs: "",
    text_verbs: "",
    other_verbs: "",
    inline: "",
    module: "",
    with_value: "",
    flags: "",
    flag_prefixes: "",
    is_posix_shell: false,
    standard_input: "",
    clusters: false,
    is_shell: false,
};

pub(super) const LOADER: Interpreter = Interpreter {
    with_value: "library-path preload audit argv0 inhibit-rpath glibc-hwcaps-prepend glibc-hwcaps-mask",
    flags: "inhibit-cache list verify",
    ..PLAIN
};

pub(super) const INTERPRETERS: [Interpreter; 13] = [
    Interpreter {
        names: "sh bash dash ash zsh ksh mksh",
        inline: "c",
        with_value: "o O rcfile init-file",
        flags: "a e f h i k l m n p r u v x B C E H P debugger dump-po-strings dump-strings help login \
            noediting no-rcs noprofile norc posix restricted verbose version",
        is_posix_shell: true,
        standard_input: "s",
        clusters: true,
        is_shell: true,
        ..PLAIN
    },
    Interpreter {
        names: "fish",
        inline: "c command",
        with_value: "C init-command d debug o debug-output p profile profile-startup f features",
        flags: "h i l n v N P help interactive login no-config no-execute private version",
        clusters: true,
        is_shell: true,
        ..PLAIN
    },
    Interpreter {
        names: "python pypy",
        inline: "c",
        module: "m",
        with_value: "W X check-hash-based-pycs",
        flags: "b d h i q s u v x B E I O P S V help version",
        clusters: true,
        ..PLAIN
    },
    Interpreter {
        names: "node nodejs",
        verbs: "inspect",
        inline: "e p eval print",
        with_value: "r C require import loader experimental-loader conditions input-type cpu-prof-dir \
            diagnostic-dir disable-warning dns-result-order env-file env-file-if-exists \
            experimental-default-type icu-data-dir inspect-port max-http-header-size openssl-config \
            redirect-warnings report-dir title tls-keylog trace-event-categories \
            unhandled-rejections watch-path",
        flags: "c h i v abort-on-uncaught-exception allow-addons allow-child-process allow-wasi \
            allow-worker check cpu-prof enable-fips enable-source-maps experimental-permission \
            experimental-strip-types experimental-transform-types experimental-vm-modules \
            experimental-wasm-modules expose-gc force-fips frozen-intrinsics heap-prof help \
            insecure-http-parser inspect inspect-brk inspect-wait interactive jitless no-addons \
            no-deprecation no-warnings pending-deprecation permission preserve-symlinks \
            preserve-symlinks-main prof throw-deprecation trace-deprecation trace-exit \
            trace-uncaught trace-warnings use-bundled-ca use-openssl-ca use-system-ca version watch \
            watch-preserve-output",
        clusters: true,
        ..PLAIN
    },
    Interpreter {
        names: "deno",
        verbs: "run serve",
        text_verbs: "eval",
        other_verbs: "add approve-scripts audit bench bundle cache check clean compile coverage deploy doc fmt \
            help info init install jupyter lint lsp outdated publish remove repl task test types \
            uninstall update upgrade vendor x",
        with_value: "c L cert config ext import-map location log-level seed",
        flags: "h q r A V E N R S W cached-only check help inspect inspect-brk inspect-wait quiet reload \
            unstable version watch",
        flag_prefixes: "allow- deny- no- unstable-",
        clusters: true,
        ..PLAIN
    },
    Interpreter {
        names: "bun",
        verbs: "run",
        text_verbs: "exec",
        inline: "e p eval print",
        other_verbs: "a add audit build c create help i info init install link outdated patch pm publish \
            remove repl rm test unlink update upgrade why x",
        with_value: "r cwd env-file import preload require",
        flags: "b h i v bun expose-gc help hot if-present inspect inspect-brk inspect-wait \
            no-clear-screen no-deprecation no-install prefer-offline revision silent smol version \
            watch",
        clusters: true,
        ..PLAIN
    },
    Interpreter {
        names: "ruby",
        inline: "e",
        with_value: "C E I r disable enable encoding external-encoding internal-encoding",
        flags: "a c d h l n p s v w U copyright debug disable-all disable-gems help jit verbose version \
            yjit",
        clusters: true,
        ..PLAIN
    },
    Interpreter {
        names: "perl",
        inline: "e E",
        with_value: "I",
        flags: "a c f l n p s t u v w T U W X",
        clusters: true,
        ..PLAIN
    },
    Interpreter {
        names: "php",
        inline: "r B R E run process-begin process-code process-end",
        with_value: "c d php-ini define",
        flags: "e h i m n q v C H help no-php-ini version",
        clusters: true,
        ..PLAIN
    },
    Interpreter {
        names: "lua",
        inline: "e",
        with_value: "l",
        flags: "i v E W",
        clusters: true,
        ..PLAIN
    },
    Interpreter {
        names: "Rscript",
        inline: "e",
        flags: "help no-echo no-environ no-init-file no-restore no-save no-site-file quiet silent slave \
            vanilla verbose version",
        ..PLAIN
    },
    Interpreter {
        names: "tclsh",
        with_value: "encoding",
        ..PLAIN
    },
    Interpreter {
        names: "java",
        module: "m module",
        with_value: "cp classpath class-path module-path p add-exports add-modules add-opens add-reads \
            enable-native-access limit-modules patch-module source upgrade-module-path",
        flags: "client da disableassertions dsa ea enable-preview enableassertions esa help jar server \
            show-version showversion verbose version",
        flag_prefixes: "D X agentlib: agentpath: da: disableassertions: ea: enableassertions: javaagent: splash: \
            verbose:",
        ..PLAIN
    },
];
