import { describe, expect, it } from 'vitest';
import { printTable } from '../support/print_table.ts';
import { benches, ourFault, type Verdicts } from './corpus/judges.ts';
import { JUDGES, type Judge } from './corpus/member.ts';
import { corpus } from './corpus/members.ts';

const members = await corpus();
const verdicts = {} as Record<Judge, Verdicts>;
// One judge after the other, so that each has the machine to itself.
// oxlint-disable-next-line no-await-in-loop
for (const judge of JUDGES) verdicts[judge] = await benches[judge](members);

const cell = (judge: Judge, index: number): string => {
  const all = verdicts[judge];
  return typeof all === 'string' ? '' : (all[index] ?? '-');
};

printTable(
  `Our certificates before ${JUDGES.length} judges: what each holds good for which side of TLS; - is what a judge cannot tell`,
  members.map(({ name, expected }, index) => ({
    certificate: name,
    expected,
    ...Object.fromEntries(JUDGES.map((judge) => [judge, cell(judge, index)])),
  })),
);
for (const judge of JUDGES)
  if (typeof verdicts[judge] === 'string') console.log(`${judge} was not asked: ${verdicts[judge]}`);
for (const { name, differs = {} } of members) {
  for (const [judge, { verdict, reason }] of Object.entries(differs))
    console.log(`${name}: ${verdict} by ${judge}, ${reason}`);
}

const judged = JUDGES.flatMap((judge) => {
  const all = verdicts[judge];
  if (typeof all === 'string') return [];
  return members.flatMap(({ name, expected, differs }, index) => {
    const verdict = all[index] ?? null;
    return verdict === null ? [] : [{ judge, name, verdict, expected: differs?.[judge]?.verdict ?? expected }];
  });
});

describe('one corpus of our certificates', () => {
  it.each(judged)('$name: $expected by $judge', ({ verdict, expected }) => {
    expect(verdict).toBe(expected);
  });
});

describe('what is refused', () => {
  it.each(members.flatMap((member) => (member.fault === undefined ? [] : [{ ...member, fault: member.fault }])))(
    '$name: for the reason in its name, $fault',
    (member) => {
      expect(ourFault(member, 'both')).toBe(member.fault);
    },
  );
});
