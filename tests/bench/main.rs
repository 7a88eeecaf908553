//! `cargo xtask bench`: what the budgets of the design cost, as ratios against a baseline that is
//! measured in the same run, alternating with it.

mod bare;
mod desktop;
mod load;
mod machine;
mod process;
mod report;
mod scene;
mod seed;
mod window;

use std::process::ExitCode;

use report::Report;

fn main() -> ExitCode {
    // Cargo adds its own `--bench`.
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    match arguments.next().as_deref() {
        Some("bare") => {
            let socket = arguments.next().expect("bare SOCKET BODY-FILE");
            let body = arguments.next().expect("bare SOCKET BODY-FILE");
            bare::serve(&socket, &body);
            ExitCode::SUCCESS
        }
        Some("desktop") => {
            let mut report = Report::default();
            desktop::memory(is_quick(), &mut report);
            window::opening(&mut report);
            window::list(&mut report);
            report.print();
            ExitCode::SUCCESS
        }
        None | Some("--quick") => {
            run(&scene::Sizes::new(is_quick())).print();
            ExitCode::SUCCESS
        }
        Some(other) => {
            machine::say(&format!(
                "error: `{other}` is not understood; use no argument, `desktop` or `--quick`"
            ));
            ExitCode::from(2)
        }
    }
}

fn is_quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
}

fn run(sizes: &scene::Sizes) -> Report {
    let mut report = Report::default();
    let scene = scene::Scene::start();
    load::tokens(&scene, sizes, &mut report);
    load::undisturbed(&scene, sizes, &mut report);
    process::whole_process(&scene, sizes, &mut report);
    process::memory(
        "headless agent, 1 connection",
        scene.agent.pid(),
        10.0,
        &mut report,
    );
    drop(scene);
    for connections in sizes.homes.iter().copied() {
        seed::home(connections, sizes, &mut report);
    }
    report
}
