-- A crowd server's database as commit 07c843a made it, on sqlite, with what a small run left in it: three HITs,
-- one approved with a bonus, one waiting for its review, one open. NOW stands for the moment of all that.
CREATE TABLE server (
    id INTEGER NOT NULL CHECK (id = 1),
    schema_version INTEGER NOT NULL,
    clock_offset DOUBLE NOT NULL,
    list_lag DOUBLE NOT NULL,
    counter_lag DOUBLE NOT NULL,
    plain_duplicates BOOLEAN NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO server (id, schema_version, clock_offset, list_lag, counter_lag, plain_duplicates) VALUES
    (1, 1, 0.0, 0.0, 0.0, false);
CREATE TABLE account (
    id INTEGER NOT NULL CHECK (id = 1),
    funds BIGINT NOT NULL,
    held BIGINT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT covered CHECK (held >= 0 AND funds >= held)
);
INSERT INTO account (id, funds, held) VALUES
    (1, 999910, 120);
CREATE TABLE hit_types (
    id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    keywords TEXT,
    reward BIGINT NOT NULL,
    assignment_duration BIGINT NOT NULL,
    auto_approval_delay BIGINT NOT NULL,
    requirements TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (fingerprint)
);
INSERT INTO hit_types (id, group_id, fingerprint, title, description, keywords, reward, assignment_duration, auto_approval_delay, requirements) VALUES
    ('3T2OVS1TNP3MCREDDEQUAFDHBNXC80', '33YGPB9PXITCCFIF6XHA3V7PMEUGW4', 'c9cab53ef08b304c5ddba474f4253e9911196ae5ab8d6b3397911be74d5201e3', 'Label a picture', 'Say what is in it', NULL, 50, 600, 2592000, '[{"QualificationTypeId": "348NQ2YTU42DIXBG0KMX6MZLSVUFFI", "Comparator": "EqualTo", "IntegerValues": [7], "ActionsGuarded": "Accept", "RequiredToPreview": false}]');
CREATE TABLE hits (
    serial INTEGER NOT NULL,
    id TEXT NOT NULL,
    hit_type_id TEXT NOT NULL,
    created_at DOUBLE NOT NULL,
    expiration DOUBLE NOT NULL,
    fee BIGINT NOT NULL,
    max_assignments BIGINT NOT NULL,
    available BIGINT NOT NULL,
    pending BIGINT NOT NULL,
    submitted BIGINT NOT NULL,
    completed BIGINT NOT NULL,
    reviewing BOOLEAN NOT NULL,
    release_at DOUBLE,
    disposed_at DOUBLE,
    annotation TEXT,
    question TEXT NOT NULL,
    PRIMARY KEY (serial),
    CONSTRAINT every_assignment_counted_once CHECK (available >= 0 AND pending >= 0 AND submitted >= 0 AND completed >= 0 AND available + pending + submitted + completed = max_assignments),
    UNIQUE (id),
    FOREIGN KEY(hit_type_id) REFERENCES hit_types (id)
);
INSERT INTO hits (id, hit_type_id, created_at, expiration, fee, max_assignments, available, pending, submitted, completed, reviewing, release_at, disposed_at, annotation, question) VALUES
    ('3BU149IVWUEN4AUR3CCNRNGJ2I2C9Z', '3T2OVS1TNP3MCREDDEQUAFDHBNXC80', NOW - 0.167, NOW + 3.1536e+07, 10, 1, 0, 0, 0, 1, false, NOW + 3.1536e+07, NULL, 'crowdops:1:20261101-120000-abcd:0:maps', '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[<p>What is it?</p>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>');
INSERT INTO hits (id, hit_type_id, created_at, expiration, fee, max_assignments, available, pending, submitted, completed, reviewing, release_at, disposed_at, annotation, question) VALUES
    ('3QJYUTA8Z3T4CRH3VN54JBS66BLKMW', '3T2OVS1TNP3MCREDDEQUAFDHBNXC80', NOW - 0.126, NOW + 3.1536e+07, 10, 1, 0, 0, 1, 0, false, NOW + 3.1536e+07, NULL, 'crowdops:1:20261101-120000-abcd:1:maps', '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[<p>What is it?</p>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>');
INSERT INTO hits (id, hit_type_id, created_at, expiration, fee, max_assignments, available, pending, submitted, completed, reviewing, release_at, disposed_at, annotation, question) VALUES
    ('3P2CQ5SYCKF20Q3LCMOUVVSBQDNBXA', '3T2OVS1TNP3MCREDDEQUAFDHBNXC80', NOW - 0.114, NOW + 3.1536e+07, 10, 1, 1, 0, 0, 0, false, NOW + 3.1536e+07, NULL, 'crowdops:1:20261101-120000-abcd:2:maps', '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[<p>What is it?</p>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>');
CREATE TABLE assignments (
    id TEXT NOT NULL,
    hit_id TEXT NOT NULL,
    worker_id TEXT NOT NULL,
    status TEXT NOT NULL,
    accepted_at DOUBLE NOT NULL,
    deadline DOUBLE NOT NULL,
    submitted_at DOUBLE,
    auto_approval_at DOUBLE,
    approved_at DOUBLE,
    rejected_at DOUBLE,
    due_at DOUBLE,
    answer TEXT,
    feedback TEXT,
    PRIMARY KEY (id),
    CONSTRAINT known_status CHECK (status IN ('Accepted', 'Submitted', 'Approved', 'Rejected', 'Returned', 'Abandoned')),
    FOREIGN KEY(hit_id) REFERENCES hits (id)
);
INSERT INTO assignments (id, hit_id, worker_id, status, accepted_at, deadline, submitted_at, auto_approval_at, approved_at, rejected_at, due_at, answer, feedback) VALUES
    ('3T3MYO59CUN28DUZ64ATSX5FFIVHHY', '3BU149IVWUEN4AUR3CCNRNGJ2I2C9Z', 'AWORKER1', 'Approved', NOW - 0.043, NOW + 599.957, NOW - 0.023, NOW + 2.592e+06, NOW - 0.014, NULL, NULL, '<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<QuestionFormAnswers xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd">
<Answer>
<QuestionIdentifier>label</QuestionIdentifier>
<FreeText>café</FreeText>
</Answer>
</QuestionFormAnswers>', NULL);
INSERT INTO assignments (id, hit_id, worker_id, status, accepted_at, deadline, submitted_at, auto_approval_at, approved_at, rejected_at, due_at, answer, feedback) VALUES
    ('3T9YHVXDR3ZUOUV1VQP66NSCQXCT5M', '3QJYUTA8Z3T4CRH3VN54JBS66BLKMW', 'AWORKER1', 'Submitted', NOW + 0.02, NOW + 600.02, NOW + 0.038, NOW + 2.592e+06, NULL, NULL, NOW + 2.592e+06, '<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<QuestionFormAnswers xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd">
<Answer>
<QuestionIdentifier>label</QuestionIdentifier>
<FreeText>café</FreeText>
</Answer>
</QuestionFormAnswers>', NULL);
CREATE TABLE workers (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    invited_at DOUBLE NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (token_hash)
);
INSERT INTO workers (id, name, token_hash, invited_at) VALUES
    ('AWORKER1', 'Ada', 'f0f3046cb38c7321007aaaeff30e1b24a411b75ef75401242ea8d328d9d98126', NOW - 0.409);
CREATE TABLE tokens (
    token TEXT NOT NULL,
    created_at DOUBLE NOT NULL,
    request_id TEXT NOT NULL,
    hit_id TEXT NOT NULL,
    PRIMARY KEY (token)
);
CREATE TABLE qualification_types (
    serial INTEGER NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    keywords TEXT,
    status TEXT NOT NULL,
    retry_delay BIGINT,
    created_at DOUBLE NOT NULL,
    deleted_at DOUBLE,
    PRIMARY KEY (serial),
    CONSTRAINT known_type_status CHECK (status IN ('Active', 'Inactive')),
    UNIQUE (id)
);
INSERT INTO qualification_types (id, name, description, keywords, status, retry_delay, created_at, deleted_at) VALUES
    ('348NQ2YTU42DIXBG0KMX6MZLSVUFFI', 'Reads maps', 'Can read a map', NULL, 'Active', NULL, NOW - 0.228, NULL);
CREATE TABLE grants (
    serial INTEGER NOT NULL,
    type_id TEXT NOT NULL,
    worker_id TEXT NOT NULL,
    value BIGINT NOT NULL,
    granted_at DOUBLE NOT NULL,
    revoked_at DOUBLE,
    PRIMARY KEY (serial),
    FOREIGN KEY(type_id) REFERENCES qualification_types (id)
);
INSERT INTO grants (type_id, worker_id, value, granted_at, revoked_at) VALUES
    ('348NQ2YTU42DIXBG0KMX6MZLSVUFFI', 'AWORKER1', 7, NOW - 0.212, NULL);
CREATE TABLE bonuses (
    serial INTEGER NOT NULL,
    assignment_id TEXT NOT NULL,
    worker_id TEXT NOT NULL,
    amount BIGINT NOT NULL,
    fee BIGINT NOT NULL,
    reason TEXT NOT NULL,
    paid_at DOUBLE NOT NULL,
    PRIMARY KEY (serial),
    CONSTRAINT worth_something CHECK (amount > 0 AND fee > 0),
    FOREIGN KEY(assignment_id) REFERENCES assignments (id)
);
INSERT INTO bonuses (assignment_id, worker_id, amount, fee, reason, paid_at) VALUES
    ('3T3MYO59CUN28DUZ64ATSX5FFIVHHY', 'AWORKER1', 25, 5, 'Well done', NOW + 0.003);
CREATE TABLE blocks (
    worker_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    blocked_at DOUBLE NOT NULL,
    PRIMARY KEY (worker_id)
);
INSERT INTO blocks (worker_id, reason, blocked_at) VALUES
    ('AWORKER1', 'to be unblocked', NOW + 0.051);
CREATE TABLE messages (
    serial INTEGER NOT NULL,
    worker_id TEXT NOT NULL,
    sent_at DOUBLE NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (serial)
);
INSERT INTO messages (worker_id, sent_at, subject, text) VALUES
    ('AWORKER1', NOW - 0.212, 'You have a qualification: Reads maps', 'Can read a map

Your value is 7.');
CREATE TABLE faults (
    id INTEGER NOT NULL,
    operation TEXT NOT NULL,
    kind TEXT NOT NULL,
    times INTEGER,
    probability DOUBLE,
    seconds DOUBLE NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE calls (
    operation TEXT NOT NULL,
    ok BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    PRIMARY KEY (operation)
);
CREATE UNIQUE INDEX one_type_a_name ON qualification_types (name) WHERE deleted_at IS NULL;
CREATE INDEX messages_of_worker ON messages (worker_id, serial);
CREATE INDEX hits_by_serial ON hits (disposed_at, serial);
CREATE INDEX hits_of_type ON hits (hit_type_id, disposed_at, serial);
CREATE INDEX hits_by_age ON hits (disposed_at, created_at);
CREATE INDEX hits_by_release ON hits (release_at);
CREATE INDEX grants_of_type ON grants (type_id, serial);
CREATE UNIQUE INDEX one_grant_a_worker ON grants (worker_id, type_id);
CREATE INDEX assignments_of_hit ON assignments (hit_id, status);
CREATE INDEX assignments_of_worker ON assignments (worker_id, status);
CREATE INDEX assignments_by_due_time ON assignments (due_at);
CREATE UNIQUE INDEX one_assignment_a_worker ON assignments (hit_id, worker_id) WHERE (status NOT IN ('Returned', 'Abandoned'));
CREATE INDEX bonuses_of_assignment ON bonuses (assignment_id, serial);
CREATE INDEX bonuses_of_worker ON bonuses (worker_id, serial);
