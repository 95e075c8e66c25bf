-- The roles that every school starts with learn what the academics need; roles of a school's own are left alone.

insert or ignore into role_permissions (role_id, codename)
select roles.id, added.value from roles, json_each('[
    "school.view_session", "school.view_term", "school.view_form", "school.view_class", "school.view_subject",
    "school.view_curriculum", "school.view_pass_mark", "school.view_academic_class",
    "school.view_subject_teacher", "school.view_student_session", "school.view_admission",
    "school.view_student_guardian", "school.view_attendance", "school.add_attendance",
    "school.change_attendance", "school.view_attendance_code", "school.view_holiday",
    "school.view_leave_application", "school.view_timetable", "school.view_exam_session", "school.view_exam",
    "school.add_exam", "school.view_mark", "school.add_mark", "school.change_mark",
    "school.view_academic_setting", "school.view_comment_template", "school.view_report_setting",
    "school.view_report_card", "school.change_report_card", "school.view_notice"
]') as added where roles.builtin = 'teacher';

insert or ignore into role_permissions (role_id, codename)
select roles.id, added.value from roles, json_each('[
    "school.manage_mark", "school.publish_report_card", "school.withhold_report_card",
    "school.decide_leave_application", "school.view_guardian", "school.view_class_pattern",
    "school.view_session_setup", "school.view_student_promotion", "school.add_student_promotion",
    "school.change_student_promotion", "school.execute_promotion", "school.add_notice",
    "school.change_notice", "school.delete_notice", "school.view_export"
]') as added where roles.builtin = 'head';

insert or ignore into role_permissions (role_id, codename)
select roles.id, added.value from roles, json_each('[
    "school.view_session", "school.view_term", "school.view_form", "school.view_class",
    "school.view_academic_class", "school.view_student_session", "school.add_student_session",
    "school.change_student_session", "school.view_admission", "school.add_admission",
    "school.change_admission", "school.view_guardian", "school.add_guardian", "school.change_guardian",
    "school.view_student_guardian", "school.add_student_guardian", "school.change_student_guardian",
    "school.delete_student_guardian", "school.view_attendance", "school.view_leave_application",
    "school.add_leave_application", "school.view_timetable", "school.view_notice", "school.view_import",
    "school.add_import", "school.view_export"
]') as added where roles.builtin = 'office';
