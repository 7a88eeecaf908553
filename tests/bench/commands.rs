//! Whole processes: `valetkey token` beside `/bin/true`.

use crate::cpus::Cpus;
use crate::environment::{Environment, Sizes, program};
use crate::report::Report;
use crate::role::{self, Role};
use crate::spawner::{Output, Spawns};
use crate::statistics::Rounds;

/// From start to end of the process, on one processor with its agent and on all.
pub(crate) fn beside_true(environment: &Environment, sizes: &Sizes, report: &mut Report) {
    let valetkey = program("VALETKEY_BIN").to_string_lossy().into_owned();
    let commands = [
        vec!["/bin/true".to_owned()],
        vec![valetkey.clone(), "token".to_owned(), "bench".to_owned()],
    ];
    for (cpus, place) in [
        (Cpus::one(), "one processor"),
        (Cpus::all(), "all processors"),
    ] {
        environment.run_on(&cpus);
        for (output, how) in [
            (Output::Read, "output read"),
            (Output::Discarded, "output discarded"),
        ] {
            let mut times = [Rounds::default(), Rounds::default()];
            for _ in 0..sizes.rounds {
                let medians: Vec<f64> = role::run(&Role::Spawn(Spawns {
                    programs: commands.to_vec(),
                    starts: sizes.starts,
                    output,
                    cpus: cpus.to_string(),
                    home: environment.home().to_owned(),
                }));
                for (times, median) in times.iter_mut().zip(medians) {
                    times.push(median);
                }
            }
            let [least, token] = times;
            let is_budgeted = cpus == Cpus::one() && output == Output::Read;
            let what = format!("`valetkey token X`, {place}, {how}");
            report.command(&what, &least, &token, is_budgeted.then_some(1.7));
        }
    }
}
