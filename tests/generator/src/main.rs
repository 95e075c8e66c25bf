//! Writes a school as SQL, for loaders in other languages: a statement a line, each a JSON string.

use std::io::{self, BufWriter, Write as _};

use anyhow::Result;
use chrono::NaiveDate;
use clap::Parser;
use homeroom_generator::{Existing, ExistingStudent, Options, School};
use uuid::Uuid;

/// Writes the data of a whole school to stdout: a line is a JSON string that holds one SQL statement
#[derive(Parser)]
#[command(name = "homeroom-generator")]
struct Arguments {
    /// Active students of the present year
    #[arg(long, default_value_t = 600)]
    students: usize,
    /// Years with exams, the present one included
    #[arg(long, default_value_t = 3)]
    years: u8,
    /// Another seed is another school
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// The day at the school, such as 2026-11-26
    #[arg(long, value_parser = date)]
    today: NaiveDate,
    /// The user who is the class teacher of the first class
    #[arg(long, value_name = "USER")]
    teacher: Option<Uuid>,
    /// The user who is a student of the first class
    #[arg(long, value_name = "USER")]
    student: Option<Uuid>,
    /// That student's names
    #[arg(long, num_args = 2, value_names = ["FIRST", "LAST"], requires = "student")]
    student_name: Vec<String>,
    /// Show on stderr how many rows each table has
    #[arg(long)]
    counts: bool,
}

fn main() -> Result<()> {
    let Arguments {
        students,
        years,
        seed,
        today,
        teacher,
        student,
        student_name,
        counts,
    } = Arguments::parse();
    let name = <[String; 2]>::try_from(student_name)
        .ok()
        .map(<(String, String)>::from);
    let student = student.map(|user| ExistingStudent { user, name });
    let existing = Existing { teacher, student };
    let school = School::generate(&Options {
        seed,
        students,
        years,
        today,
        existing,
    });
    if counts {
        for (table, rows) in school.counts() {
            eprintln!("{rows:>8} {table}");
        }
    }
    let mut output = BufWriter::new(io::stdout().lock());
    for statement in school.statements() {
        serde_json::to_writer(&mut output, &statement)?;
        output.write_all(b"\n")?;
    }
    output.flush()?;
    Ok(())
}

/// chrono's own error is none for clap: it is built without the standard library.
fn date(text: &str) -> Result<NaiveDate, String> {
    text.parse()
        .map_err(|error: chrono::ParseError| error.to_string())
}
