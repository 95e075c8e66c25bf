//! Students, their families and guardians.

use chrono::NaiveDate;
use homeroom_kernel::Timestamp;
use uuid::Uuid;

use crate::ExistingStudent;
use crate::calendar::{days_after, months_before};
use crate::names::{FamilyName, Names, Sex};
use crate::phones::Phones;
use crate::random::Random;
use crate::structure::Class;
use crate::tables::{self, School};

/// Of a thousand students, how many are the brother or sister of one who is known.
const SIBLINGS: usize = 300;
const MOST_CHILDREN: usize = 4;
/// Years between two children, so that no dates of birth contradict each other.
const YEARS_APART: u64 = 2;
/// Years of age, at least, when Form 1 begins.
const AGE_OF_FIRST_FORM: u32 = 12;

const STREETS: [&str; 8] = [
    "Jacaranda Avenue",
    "Baobab Road",
    "Msasa Close",
    "Rua das Acácias",
    "Mopane Drive",
    "St Mary's Lane",
    "Flame Lily Way",
    "Hillside Road",
];
const SUBURBS: [&str; 6] = [
    "Greenfields",
    "Riverbend",
    "Old Mill",
    "Northwood",
    "Kopje",
    "Lakeview",
];

/// A student, with all that became of them.
pub(crate) struct Pupil<'a> {
    pub(crate) id: Uuid,
    pub(crate) number: String,
    pub(crate) admission_year: i64,
    pub(crate) admitted: Timestamp,
    pub(crate) changed: Timestamp,
    pub(crate) first_name: String,
    pub(crate) middle_name: &'static str,
    pub(crate) last_name: String,
    pub(crate) gender: &'static str,
    pub(crate) dob: Option<NaiveDate>,
    family: usize,
    pub(crate) user: Option<Uuid>,
    /// The form of now, or the last one.
    pub(crate) form: Uuid,
    pub(crate) boarding: &'static str,
    pub(crate) enrolment: &'static str,
    /// The class of now; `None` for who has left.
    pub(crate) class: Option<&'a Class>,
    /// Hundredths by which marks are above the average, and more of them in some subjects, by their key.
    pub(crate) ability: i64,
    pub(crate) aptitudes: Vec<i64>,
    pub(crate) registrations: Vec<Registration>,
}

/// A student in a year.
pub(crate) struct Registration {
    pub(crate) id: Uuid,
    /// Which of the years.
    pub(crate) year: usize,
    pub(crate) session: Uuid,
    pub(crate) academic_class: Uuid,
    pub(crate) boarding: &'static str,
    pub(crate) registered: Timestamp,
    /// When the student left during the year, and what the enrolment became.
    pub(crate) left: Option<(NaiveDate, Timestamp, &'static str)>,
}

/// What an admission begins with.
pub(crate) struct Admission<'a> {
    pub(crate) class: &'a Class,
    pub(crate) entry_year: i64,
    pub(crate) number: String,
    pub(crate) admitted: Timestamp,
    /// When the year begins, for the age.
    pub(crate) year_first: NaiveDate,
}

struct Family {
    name: FamilyName,
    address: String,
    /// Age group, date of birth and given name.
    children: Vec<(i64, NaiveDate, &'static str)>,
    /// Guardian, relation, name and number; who is asked first comes first.
    guardians: Vec<(Uuid, &'static str, String, Option<String>)>,
}

/// All families.
pub(crate) struct Families {
    random: Random,
    names: Names,
    phones: Phones,
    list: Vec<Family>,
}

impl Families {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, "people"),
            names: Names::new(seed),
            phones: Phones::new(seed),
            list: Vec::new(),
        }
    }

    /// A new student of a known family or another.
    pub(crate) fn admit<'a>(
        &mut self,
        school: &mut School,
        admission: Admission<'a>,
        subjects: usize,
    ) -> Pupil<'a> {
        let Admission {
            class,
            entry_year,
            number,
            admitted,
            year_first,
        } = admission;
        let form_years = u32::try_from(class.form_index).unwrap_or(0);
        let cohort = i64::from(chrono::Datelike::year(&year_first)) - i64::from(form_years);
        let (index, twin) = match self.relatives(cohort) {
            Some(found) => found,
            None => {
                let family = self.family(school, admitted);
                self.list.push(family);
                (self.list.len() - 1, None)
            }
        };
        let youngest = months_before(year_first, 12 * (AGE_OF_FIRST_FORM + form_years));
        let dob = twin.unwrap_or_else(|| days_after(youngest, -self.random.between(0, 364)));
        let sex = if self.random.chance(505) {
            Sex::Female
        } else {
            Sex::Male
        };
        let gender = match (self.random.below(200), sex) {
            (0, _) => "other",
            (1, _) => "",
            (_, Sex::Male) => "male",
            (_, Sex::Female) => "female",
        };
        let known = self.list.get(index).map(|family| family.name);
        let name = known.unwrap_or_else(|| self.names.family());
        let first_name = self.given(index, name, sex);
        if let Some(family) = self.list.get_mut(index) {
            family.children.push((cohort, dob, first_name));
        }
        let ability = self.random.bell(0, 1_300);
        Pupil {
            id: self.random.id(admitted),
            number,
            admission_year: entry_year,
            admitted,
            changed: admitted,
            first_name: first_name.to_owned(),
            middle_name: self.names.middle(name, sex, first_name),
            last_name: name.of(sex).to_owned(),
            gender,
            dob: (!self.random.chance(10)).then_some(dob),
            family: index,
            user: None,
            form: class.form,
            boarding: if self.random.chance(400) {
                "Boarding"
            } else {
                "Day"
            },
            enrolment: "active",
            class: Some(class),
            ability,
            aptitudes: (0..subjects).map(|_| self.random.bell(0, 500)).collect(),
            registrations: Vec::new(),
        }
    }

    /// A family that can have a child of that age group, and the date of birth if the child is a twin.
    fn relatives(&mut self, cohort: i64) -> Option<(usize, Option<NaiveDate>)> {
        if !self.random.chance(SIBLINGS) {
            return None;
        }
        for _ in 0..5 {
            let index = self.random.below(self.list.len());
            let Some(family) = self.list.get(index) else {
                continue;
            };
            if family.children.len() >= MOST_CHILDREN {
                continue;
            }
            if family
                .children
                .iter()
                .all(|(other, ..)| other.abs_diff(cohort) >= YEARS_APART)
            {
                return Some((index, None));
            }
            match family.children.as_slice() {
                [(other, dob, _)] if *other == cohort => return Some((index, Some(*dob))),
                _ => {}
            }
        }
        None
    }

    /// A given name that no brother or sister has, if chance finds one.
    fn given(&mut self, index: usize, name: FamilyName, sex: Sex) -> &'static str {
        let mut given = self.names.given(name, sex);
        for _ in 0..5 {
            let children = self
                .list
                .get(index)
                .map(|family| family.children.as_slice())
                .unwrap_or_default();
            if children.iter().all(|(.., other)| *other != given) {
                break;
            }
            given = self.names.given(name, sex);
        }
        given
    }

    fn family(&mut self, school: &mut School, at: Timestamp) -> Family {
        let mut family = Family {
            name: self.names.family(),
            address: format!(
                "{} {}, {}",
                self.random.between(1, 240),
                self.random.pick(&STREETS),
                self.random.pick(&SUBURBS)
            ),
            children: Vec::new(),
            guardians: Vec::new(),
        };
        let relations: &[(&str, Sex)] = match self.random.below(100) {
            0..60 => &[("mother", Sex::Female), ("father", Sex::Male)],
            60..65 => &[("father", Sex::Male), ("mother", Sex::Female)],
            65..82 => &[("mother", Sex::Female)],
            82..87 => &[("grandmother", Sex::Female)],
            87..91 => &[("aunt", Sex::Female), ("uncle", Sex::Male)],
            91..95 => &[("uncle", Sex::Male)],
            95..99 => &[("guardian", Sex::Female)],
            // Nobody is known yet.
            _ => &[],
        };
        for (relation, sex) in relations {
            let guardian = self.guardian(school, family.name, relation, *sex, at);
            family.guardians.push(guardian);
        }
        family
    }

    fn guardian(
        &mut self,
        school: &mut School,
        family: FamilyName,
        relation: &'static str,
        sex: Sex,
        at: Timestamp,
    ) -> (Uuid, &'static str, String, Option<String>) {
        let own_name = if self.random.chance(150) {
            self.names.relative(family)
        } else {
            family
        };
        let (first_name, last_name) = (self.names.given(family, sex), own_name.of(sex));
        let phone_number = if self.random.chance(930) {
            self.phones.next()
        } else {
            None
        };
        let has_email = phone_number.is_none() || self.random.chance(450);
        let email = has_email.then(|| address(first_name, school.guardians.len() + 1));
        let id = self.random.id(at);
        school.guardians.push(tables::Guardian {
            id,
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            consent: format!(
                r#"{{"sms":{},"whatsapp":{},"email":{}}}"#,
                phone_number.is_some() && self.random.chance(850),
                phone_number.is_some() && self.random.chance(550),
                email.is_some() && self.random.chance(700)
            ),
            phone_number: phone_number.clone(),
            email,
            user: None,
            created_at: at,
            updated_at: at,
        });
        (
            id,
            relation,
            format!("{first_name} {last_name}"),
            phone_number,
        )
    }

    /// Fills the tables of students, their registrations and whose guardian is whose.
    pub(crate) fn write(&mut self, school: &mut School, pupils: &[Pupil<'_>]) {
        for pupil in pupils {
            let none = (String::new(), Vec::new());
            let (address, guardians) = self.list.get(pupil.family).map_or(none, |family| {
                (family.address.clone(), family.guardians.clone())
            });
            // Now and then the second is asked first about one of the children.
            let primary = usize::from(guardians.len() > 1 && self.random.chance(80));
            let (parent_name, parent_phone) = guardians
                .get(primary)
                .map(|(_, _, name, phone)| (name.clone(), phone.clone().unwrap_or_default()))
                .unwrap_or_default();
            for (n, (guardian, relation, ..)) in guardians.into_iter().enumerate() {
                school.student_guardians.push(tables::StudentGuardian {
                    id: self.random.id(pupil.admitted),
                    student: pupil.id,
                    guardian,
                    relation,
                    is_primary: n == primary,
                    created_at: pupil.admitted,
                    updated_at: pupil.admitted,
                });
            }
            school.students.push(tables::Student {
                id: pupil.id,
                student_id: pupil.number.clone(),
                first_name: pupil.first_name.clone(),
                middle_name: pupil.middle_name,
                last_name: pupil.last_name.clone(),
                gender: pupil.gender,
                dob: pupil.dob,
                admission_year: pupil.admission_year,
                form: Some(pupil.form),
                status: pupil.boarding,
                enrolment: pupil.enrolment,
                parent_name,
                parent_phone,
                address,
                user: pupil.user,
                created_at: pupil.admitted,
                updated_at: pupil.changed,
            });
            for registration in &pupil.registrations {
                school.student_sessions.push(tables::StudentSession {
                    id: registration.id,
                    session: registration.session,
                    student: pupil.id,
                    academic_class: Some(registration.academic_class),
                    boarding_status: registration.boarding,
                    status: registration
                        .left
                        .map_or("active", |(_, _, enrolment)| enrolment),
                    created_at: registration.registered,
                    updated_at: registration
                        .left
                        .map_or(registration.registered, |(_, at, _)| at),
                });
            }
        }
    }
}

/// The user becomes somebody of the first class.
pub(crate) fn become_student(pupils: &mut [Pupil<'_>], student: &ExistingStudent) {
    let of_first_class = |pupil: &&mut Pupil<'_>| pupil.class.is_some_and(|class| class.key == 0);
    if let Some(pupil) = pupils.iter_mut().find(of_first_class) {
        pupil.user = Some(student.user);
        if let Some((first_name, last_name)) = &student.name {
            pupil.first_name.clone_from(first_name);
            pupil.middle_name = "";
            pupil.last_name.clone_from(last_name);
        }
    }
}

/// An address at a domain that cannot exist (RFC 2606); the number makes it the only one.
fn address(first_name: &str, number: usize) -> String {
    let letters: String = first_name
        .chars()
        .filter(char::is_ascii_alphabetic)
        .collect();
    let name = if letters.len() == first_name.len() {
        letters.to_lowercase()
    } else {
        "guardian".to_owned()
    };
    format!("{name}.{number}@families.example")
}
