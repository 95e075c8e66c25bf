// The school area's permissions in the order of their numbers.

const VERBS = ["view", "add", "change", "delete"];
const each = (nouns: string[]) => nouns.flatMap((noun) => VERBS.map((verb) => `school.${verb}_${noun}`));

const CATALOGUE = [
  ...each(["user", "staff", "role", "user_role_assignment"]),
  "school.view_audit_log",
  ...each([
    "session", "term", "form", "class", "class_pattern", "subject", "curriculum", "pass_mark", "academic_class",
    "subject_teacher", "student_session", "admission", "guardian", "student_guardian", "attendance",
    "attendance_code", "holiday", "leave_application", "timetable", "exam_session", "exam", "mark",
    "academic_setting", "comment_template", "session_setup", "student_promotion", "notice",
  ]),
  "school.manage_mark", "school.view_report_card", "school.change_report_card", "school.publish_report_card",
  "school.withhold_report_card", "school.view_report_setting", "school.change_report_setting",
  "school.execute_promotion", "school.decide_leave_application", "school.view_import", "school.add_import",
  "school.view_export",
];

const covers = (held: string, wanted: string) =>
  held.endsWith("*") ? wanted.startsWith(held.slice(0, -1)) : held === wanted;

export const allows = (held: string[], wanted: string) => held.some((one) => covers(one, wanted));

export const expand = (held: string[]) => CATALOGUE.filter((codename) => allows(held, codename));
