//! Given names and family names by language. Names are common ones, put together by chance: nobody is meant.

/// The names of a language.
#[derive(Debug)]
pub(super) struct Language {
    /// Given names of men.
    pub(super) men: &'static [&'static str],
    /// Given names of women.
    pub(super) women: &'static [&'static str],
    /// Family names; where they differ, a man's and a woman's form: "Орлов|Орлова".
    pub(super) families: &'static [&'static str],
}

pub(super) static SHONA: Language = Language {
    men: &[
        "Tendai",
        "Farai",
        "Tafadzwa",
        "Kudakwashe",
        "Takudzwa",
        "Tinashe",
        "Munashe",
        "Anesu",
        "Tawanda",
        "Simbarashe",
        "Ngonidzashe",
        "Panashe",
    ],
    women: &[
        "Rudo", "Chipo", "Nyasha", "Ruvimbo", "Tariro", "Vimbai", "Rutendo", "Tsitsi", "Fadzai",
        "Kundai", "Yeukai", "Chiedza",
    ],
    families: &[
        "Moyo",
        "Chikowore",
        "Mutasa",
        "Marufu",
        "Zvenyika",
        "Chirwa",
        "Gumbo",
        "Mapfumo",
        "Shumba",
        "Hove",
        "Nyoni",
        "Chigumba",
        "Murehwa",
        "Dziva",
    ],
};

pub(super) static NDEBELE: Language = Language {
    men: &[
        "Sipho",
        "Mthokozisi",
        "Nkosana",
        "Bongani",
        "Themba",
        "Mandla",
        "Sibusiso",
        "Dumisani",
    ],
    women: &[
        "Nomvula",
        "Thandeka",
        "Sithembile",
        "Nokuthula",
        "Busisiwe",
        "Lindiwe",
        "Zanele",
        "Ntombizodwa",
    ],
    families: &[
        "Ndlovu",
        "Sibanda",
        "Ncube",
        "Dube",
        "Khumalo",
        "Mpofu",
        "Ngwenya",
        "Tshuma",
        "Mlilo",
        "Hlongwane",
    ],
};

pub(super) static ENGLISH: Language = Language {
    men: &[
        "James", "Daniel", "Brian", "Peter", "Blessing", "Trust", "Joseph", "Kevin", "Lovemore",
        "Simon",
    ],
    women: &[
        "Grace", "Mary", "Faith", "Patience", "Memory", "Precious", "Joy", "Ruth", "Alice", "Hope",
    ],
    families: &[
        "Smith", "Taylor", "Banda", "Phiri", "Brown", "Walker", "Green", "Cooper", "Wright",
        "Baker", "Mwale", "Hill",
    ],
};

/// Everyone else, in turn.
pub(super) static OTHERS: &[Language] = &[
    // Portuguese
    Language {
        men: &["João", "Antônio", "Gonçalo", "Simão", "Estêvão", "Zé"],
        women: &["Conceição", "Inês", "Fátima", "Assunção", "Luísa", "Mônica"],
        families: &[
            "Magalhães",
            "Guimarães",
            "da Conceição",
            "Araújo",
            "dos Santos e Sousa",
            "Simões",
        ],
    },
    // Vietnamese
    Language {
        men: &["Đức", "Hữu Phước", "Quốc Việt", "Tuấn Kiệt", "Bảo", "Thiện"],
        women: &[
            "Ngọc Ánh",
            "Thùy Dương",
            "Quỳnh",
            "Mỹ Duyên",
            "Hằng",
            "Tuyết",
        ],
        families: &["Nguyễn", "Trần", "Phạm", "Huỳnh", "Đặng", "Võ", "Lưu"],
    },
    // Arabic
    Language {
        men: &["يوسف", "خالد", "عبد الرحمن", "طارق", "إلياس", "زياد"],
        women: &["ليلى", "مريم", "نور الهدى", "هالة", "سلمى", "آية"],
        families: &["الحداد", "النجار", "الخطيب", "المصري", "بن عيسى", "القاضي"],
    },
    // Amharic
    Language {
        men: &["ዳዊት", "ብሩክ", "ዮናስ", "ሙሉጌታ", "እዮብ"],
        women: &["ሕይወት", "ሰላማዊት", "ትዕግስት", "መሠረት", "አልማዝ"],
        families: &["ተስፋዬ", "ገብረማርያም", "ወልደሚካኤል", "በቀለ", "አስፋው"],
    },
    // Hindi
    Language {
        men: &["अर्जुन", "राहुल", "सिद्धार्थ", "विक्रम", "कृष्ण"],
        women: &["प्रिया", "अनन्या", "लक्ष्मी", "दीपिका", "श्रुति"],
        families: &["शर्मा", "वर्मा", "त्रिपाठी", "चौधरी", "मिश्र"],
    },
    // Chinese
    Language {
        men: &["伟", "建国", "浩然", "子轩", "志强"],
        women: &["芳", "静怡", "雨桐", "秀英", "梦瑶"],
        families: &["王", "李", "欧阳", "陈", "司马", "赵"],
    },
    // Thai
    Language {
        men: &["สมชาย", "กิตติพงษ์", "ธนวัฒน์", "ณัฐวุฒิ"],
        women: &["สุดารัตน์", "กัญญา", "พิมพ์ชนก", "น้ำฝน"],
        families: &["ศรีสุวรรณ", "วงศ์สว่าง", "ใจดี", "รุ่งเรืองกิจ", "ทองคำ"],
    },
    // Russian
    Language {
        men: &["Алексей", "Фёдор", "Михаил", "Илья", "Семён"],
        women: &["Алёна", "Ксения", "Наталья", "Юлия", "Софья"],
        families: &[
            "Орлов|Орлова",
            "Воробьёв|Воробьёва",
            "Белый|Белая",
            "Щукин|Щукина",
            "Ткаченко",
            "Кузнецов|Кузнецова",
        ],
    },
    // Greek
    Language {
        men: &["Γιώργος", "Νίκος", "Σπύρος", "Ανδρέας"],
        women: &["Ελένη", "Μαρία", "Δήμητρα", "Χρυσούλα"],
        families: &[
            "Παπαδόπουλος|Παπαδοπούλου",
            "Οικονόμου",
            "Βλάχος|Βλάχου",
            "Γεωργίου",
            "Αγγελόπουλος|Αγγελοπούλου",
        ],
    },
    // Georgian
    Language {
        men: &["გიორგი", "ლევან", "ვახტანგ", "ზურაბ"],
        women: &["ნინო", "თამარ", "ქეთევან", "მარიამ"],
        families: &["ბერიძე", "კაპანაძე", "გელაშვილი", "ჯაფარიძე", "ლომიძე"],
    },
    // Korean
    Language {
        men: &["민준", "서준", "도윤", "지훈"],
        women: &["서연", "지우", "하은", "수빈"],
        families: &["김", "이", "박", "최", "남궁", "황보"],
    },
    // Turkish
    Language {
        men: &["Işık", "Yiğit", "Çağrı", "İsmail", "Oğuz"],
        women: &["Işıl", "Ayşegül", "Çiğdem", "Şükran", "İpek"],
        families: &[
            "Yılmaz",
            "Kılıç",
            "Aydın",
            "Şahin",
            "Öztürk",
            "Çalışkan",
            "Işıklı",
        ],
    },
    // Icelandic
    Language {
        men: &["Þór", "Guðmundur", "Björn", "Sigurður", "Ægir"],
        women: &["Guðrún", "Ragnheiður", "Þórdís", "Ásdís", "Hrafnhildur"],
        families: &[
            "Guðmundsson|Guðmundsdóttir",
            "Þorvaldsson|Þorvaldsdóttir",
            "Sigurðsson|Sigurðardóttir",
            "Ægisson|Ægisdóttir",
        ],
    },
    // Yoruba, in which some letters have no single code point: ẹ́ and ọ̀ are written with combining marks.
    Language {
        men: &[
            "Adébáyọ\u{300}",
            "Olúwaṣẹ\u{301}gun",
            "Táíwò",
            "Kọ\u{301}láwọlé",
        ],
        women: &[
            "Fọláṣadé",
            "Mọ\u{301}rẹ\u{300}nikẹ\u{301}",
            "Títílayọ\u{300}",
            "Yétúndé",
        ],
        families: &["Adéyẹmí", "Ọ\u{300}ṣúnlànà", "Afọlábí", "Olówólàgbà"],
    },
    // The same letters as elsewhere, decomposed, as some keyboards send them.
    Language {
        men: &["Andre\u{301}", "Jo\u{308}rg", "Nun\u{303}o", "Rene\u{301}"],
        women: &[
            "Zoe\u{308}",
            "Chloe\u{301}",
            "Be\u{301}ne\u{301}dicte",
            "Renn\u{303}a",
        ],
        families: &[
            "Mu\u{308}ller",
            "Pen\u{303}a",
            "Lefe\u{300}vre",
            "A\u{30a}kesson",
        ],
    },
    // Apostrophes, straight and curved
    Language {
        men: &["N'Golo", "M'Baye", "Ta'avale", "D’Angelo"],
        women: &["N'Deye", "Sa'ida", "Ka’iulani", "D'Arcy"],
        families: &[
            "O'Brien",
            "D'Souza",
            "N'Diaye",
            "O’Connor",
            "M'Bengue",
            "Dell'Acqua",
        ],
    },
    // Hyphens, and names longer than a column of a table
    Language {
        men: &[
            "Jean-Baptiste",
            "Karl-Heinz",
            "Maximilian-Alexander",
            "Tinotendaishe-Emmanuel",
        ],
        women: &[
            "Anne-Marie",
            "Marie-Thérèse",
            "Alexandra-Wilhelmina",
            "Nomathemba-Constance",
        ],
        families: &[
            "Featherstonehaugh-Chimutengwende",
            "Leitheimer-Hohenwarter",
            "Papanikolaou-Rosenkrantz",
            "Mukanganwi-Wetherington-Smythe",
            "Ó Súilleabháin-Breathnach",
        ],
    },
    // One letter
    Language {
        men: &["O", "E", "Ö", "I"],
        women: &["A", "U", "É", "Ý"],
        families: &["O", "E", "Å", "Ng", "U"],
    },
];
