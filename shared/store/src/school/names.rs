//! What staff, students and classes are called, once for every list, sheet and card.

/// A student's name, family name last; the alias is one of `students`.
macro_rules! student_name {
    ($student:literal) => {
        concat!(
            "trim(",
            $student,
            ".first_name || ' ' || ",
            $student,
            ".middle_name) || ' ' || ",
            $student,
            ".last_name"
        )
    };
}
pub(crate) use student_name;

/// The name of a member of staff: the title with the user's names, or with the staff number where there is no user. The
/// expression is a staff record's id.
macro_rules! staff_name {
    ($staff:literal) => {
        concat!(
            "(select trim(f.title || ' ' || ifnull((select trim(u.first_name || ' ' || u.last_name) from users u \
             where u.id = f.user_id), f.staff_number)) from staff f where f.id = ",
            $staff,
            ")"
        )
    };
}
pub(crate) use staff_name;

/// The name of a session's class; the expression is its id.
macro_rules! class_name {
    ($class:literal) => {
        concat!(
            "(select c.name from academic_classes a join classes c on c.id = a.class where a.id = ",
            $class,
            ")"
        )
    };
}
pub(crate) use class_name;
