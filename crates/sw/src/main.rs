//! `sw`: from a stream file to a tested release.
//!
//! - [`cli`]: the command line as types
//! - [`settings`]: where things are kept; environment variables
//! - [`shipped`]: the tasks that come with the program
//! - [`failure`]: errors with the exit code they end in
//! - [`commands`]: one file per command
//! - [`output`]: what people and programs see

mod cli;
mod commands;
mod failure;
mod output;
mod settings;
mod shipped;

use std::process::ExitCode;

use base::Exit;
use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cli.color {
        cli::When::Auto => {}
        cli::When::Always => anstream::ColorChoice::Always.write_global(),
        cli::When::Never => anstream::ColorChoice::Never.write_global(),
    }
    let exit = match commands::run(cli) {
        Ok(exit) => exit,
        Err(failure) => {
            failure.print();
            failure.exit
        }
    };
    match exit {
        commands::Ended::With(exit) => ExitCode::from(Exit::code(exit)),
        commands::Ended::Code(code) => ExitCode::from(code),
    }
}
