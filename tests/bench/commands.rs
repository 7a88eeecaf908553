//! Whole processes: `valetkey token` beside `/bin/true`.

use crate::cpus::Cpus;
use crate::environment::{Environment, Sizes, program};
use crate::report::Report;
use crate::role::{self, Role};
use crate::spawner::{Output, Spawns};
use crate::statistics::Rounds;

/// From start to end of the process, on one processor with its agent and on all.
pub(crate) fn beside_true(environment: &Environment, sizes: &Sizes, report: &mut Report) {
    for (cpus, place) in [
        (Cpus::one(), "one processor"),
        (Cpus::all(), "all processors"),
    ] {
        environment.run_on(&cpus);
        for (output, how) in [
            (Output::Read, "output read"),
            (Output::Discarded, "output discarded"),
        ] {
            let [least, token, clap] = measure(environment, sizes, &cpus, output);
            let is_budgeted = cpus == Cpus::one() && output == Output::Read;
            let what = format!("`valetkey token X`, {place}, {how}");
            report.command(&what, &least, &token, is_budgeted.then_some(1.7));
            let what = format!("the same, arguments read by clap, {place}, {how}");
            report.command(&what, &least, &clap, None);
        }
    }
}

/// The programs take turns.
fn measure(environment: &Environment, sizes: &Sizes, cpus: &Cpus, output: Output) -> [Rounds; 3] {
    let valetkey = program("VALETKEY_BIN");
    let valetkey = valetkey.to_str().expect("a UTF-8 path");
    // `--verbose` is not among the options that are read without clap.
    let programs: [&[&str]; 3] = [
        &["/bin/true"],
        &[valetkey, "token", "bench"],
        &[valetkey, "token", "bench", "--verbose"],
    ];
    let owned = |program: &[&str]| program.iter().map(ToString::to_string).collect();
    let spawns = Spawns {
        programs: programs.into_iter().map(owned).collect(),
        starts: sizes.starts,
        output,
        cpus: cpus.to_string(),
        home: environment.home().to_owned(),
    };
    let mut times: [Rounds; 3] = Default::default();
    for _ in 0..sizes.rounds {
        let medians: Vec<f64> = role::run(&Role::Spawn(spawns.clone()));
        for (times, median) in times.iter_mut().zip(medians) {
            times.push(median);
        }
    }
    times
}
