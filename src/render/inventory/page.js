'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const get = (id) => document.getElementById(id);
  const ROW = 28, COLUMN = 28, HEAD = 180, SPARE = 6;
  const NAME = Math.min(300, Math.floor(window.innerWidth * 0.45));
  document.documentElement.style.setProperty('--name', `${NAME}px`);
  const state = { view: 'list', q: '', groups: '', kind: '', sort: 'policy', desc: false, theme: '' };

  // --- The data, as it is searched and sorted ---------------------------------------------------

  const { policies, targets } = data;
  const many = policies.some(({ tenant }) => tenant);
  for (const policy of policies) policy.title = many ? `${policy.tenant}: ${policy.name}` : policy.name;
  const rows = data.rows.map((row) => {
    const policy = policies[row.policy], target = targets[row.target] || { type: '', name: '' };
    const sign = !target.type ? 'none' : row.exclude ? 'exclude' : 'include';
    const name = target.type ? target.name : 'not assigned';
    const entry = { ...row, sign, name, kind: policy.kind, tenant: policy.tenant, title: policy.name };
    entry.text = [policy.tenant, policy.kind, policy.type, policy.name, policy.id, sign, name, target.id, row.filter, row.more, row.via, row.excludedBy]
      .filter(Boolean).join('\n').toLowerCase();
    return entry;
  });
  const columns = [
    { key: 'kind', label: 'Kind', width: 'minmax(120px, 2fr)' },
    { key: 'policy', label: 'Policy', width: 'minmax(160px, 4fr)' },
    { key: 'sign', label: 'Mode', width: '80px' },
    { key: 'target', label: 'Assigned to', width: 'minmax(140px, 3fr)' },
    { key: 'filter', label: 'Filter', width: 'minmax(100px, 2fr)' },
    { key: 'more', label: 'Details', width: 'minmax(80px, 2fr)' },
  ];
  if (many) columns.unshift({ key: 'tenant', label: 'Tenant', width: 'minmax(90px, 1fr)' });
  if (data.subject) {
    columns.push({ key: 'via', label: 'Reached through', width: 'minmax(100px, 2fr)' });
    columns.push({ key: 'excludedBy', label: 'Excluded by', width: 'minmax(100px, 2fr)' });
  }
  const value = (row, key) => (key === 'policy' ? row.title : key === 'target' ? row.name : row[key]) || '';
  const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
  const rank = new Map([...new Set(rows.flatMap((row) => columns.map(({ key }) => value(row, key))))]
    .sort(collator.compare).map((text, index) => [text, index]));

  const sorted = (all) => all.map((_, index) => index)
    .sort((one, other) => (all[one].rank || 0) - (all[other].rank || 0) || collator.compare(all[one].title || all[one].name, all[other].title || all[other].name));
  const policyOrder = sorted(policies), targetOrder = sorted(targets);

  // Sparse: a policy's cells by column.
  const cells = policies.map(() => new Map());
  for (const row of rows) {
    if (row.target === undefined) continue;
    const of = cells[row.policy];
    if (!of.has(row.target)) of.set(row.target, []);
    of.get(row.target).push(row);
  }

  const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
  const hasAll = (text, wanted) => wanted.every((word) => text.includes(word));

  // --- Elements. Text is only ever set as text --------------------------------------------------

  const element = (className, text, role) => {
    const made = document.createElement('div');
    made.className = className;
    if (text !== undefined) made.textContent = text;
    if (role) made.setAttribute('role', role);
    return made;
  };
  const number = (count, one, many) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

  // --- The list ---------------------------------------------------------------------------------

  const list = { root: get('list'), shown: rows, active: 0 };
  list.head = element('head', undefined, 'row');
  list.body = element('body', undefined, 'rowgroup');
  list.root.append(list.head, list.body);
  const template = columns.map(({ width }) => width).join(' ');
  list.head.style.gridTemplateColumns = template;
  for (const column of columns) {
    const cell = element('', undefined, 'columnheader');
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = column.label;
    button.dataset.sort = column.key;
    button.addEventListener('click', () => {
      state.desc = state.sort === column.key ? !state.desc : false;
      state.sort = column.key;
      update();
    });
    cell.append(button);
    list.head.append(cell);
  }
  list.draw = () => {
    const { root, body, shown } = list;
    const first = Math.max(0, Math.floor(root.scrollTop / ROW) - SPARE);
    const last = Math.min(shown.length, Math.ceil((root.scrollTop + root.clientHeight) / ROW) + SPARE);
    const drawn = [];
    for (let index = first; index < last; index += 1) {
      const row = shown[index];
      const line = element(index === list.active ? 'row active' : 'row', undefined, 'row');
      line.id = `row-${index}`;
      line.setAttribute('aria-rowindex', index + 2);
      line.style.top = `${index * ROW}px`;
      line.style.gridTemplateColumns = template;
      for (const { key } of columns) {
        const mark = key === 'sign' ? (row.sign === 'include' ? ' yes' : ' no') : '';
        line.append(element(`cell${mark}`, value(row, key), 'gridcell'));
      }
      line.addEventListener('click', () => { list.active = index; list.draw(); list.tell(); });
      drawn.push(line);
    }
    body.replaceChildren(...drawn);
    root.setAttribute('aria-activedescendant', `row-${list.active}`);
  };
  list.filter = () => {
    const wanted = words(state.q);
    list.shown = rows.filter((row) => (!state.kind || row.kind === state.kind) && hasAll(row.text, wanted));
    const order = state.desc ? -1 : 1;
    const compare = (one, other, key) => rank.get(value(one, key)) - rank.get(value(other, key));
    list.shown.sort((one, other) => order * compare(one, other, state.sort)
      || (many && compare(one, other, 'tenant')) || compare(one, other, 'policy') || one.policy - other.policy || compare(one, other, 'target'));
    list.active = 0;
    list.root.scrollTop = 0;
    list.body.style.height = `${list.shown.length * ROW}px`;
    list.root.setAttribute('aria-rowcount', list.shown.length + 1);
    for (const button of list.head.querySelectorAll('button')) {
      const sorted = button.dataset.sort === state.sort;
      button.parentElement.setAttribute('aria-sort', !sorted ? 'none' : state.desc ? 'descending' : 'ascending');
      button.textContent = columns.find(({ key }) => key === button.dataset.sort).label + (!sorted ? '' : state.desc ? ' ↓' : ' ↑');
    }
    const assigned = list.shown.filter((row) => row.target !== undefined).length;
    const named = new Set(list.shown.map((row) => row.policy)).size;
    get('count').textContent = `${number(assigned, 'assignment', 'assignments')}, ${number(named, 'policy', 'policies')}`;
  };
  list.tell = () => tell(list.shown[list.active] ? [list.shown[list.active]] : []);
  list.move = (key) => {
    const page = Math.max(1, Math.floor(list.root.clientHeight / ROW) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (!(key in steps)) return false;
    list.active = Math.max(0, Math.min(list.shown.length - 1, list.active + steps[key]));
    const top = list.active * ROW, room = list.root.clientHeight - ROW - 40;
    if (top < list.root.scrollTop) list.root.scrollTop = top;
    if (top > list.root.scrollTop + room) list.root.scrollTop = top - room;
    list.draw();
    list.tell();
    return true;
  };

  // --- The matrix: only what is in sight is drawn -----------------------------------------------

  const matrix = { root: get('matrix'), rows: [], columns: [], at: { row: 0, column: 0 } };
  matrix.head = element('head', undefined, 'row');
  matrix.body = element('body', undefined, 'rowgroup');
  matrix.root.append(matrix.head, matrix.body);
  matrix.draw = () => {
    const { root, head, body } = matrix;
    const firstRow = Math.max(0, Math.floor(root.scrollTop / ROW) - SPARE);
    const lastRow = Math.min(matrix.rows.length, Math.ceil((root.scrollTop + root.clientHeight) / ROW) + SPARE);
    const first = Math.max(0, Math.floor(root.scrollLeft / COLUMN) - SPARE);
    const last = Math.min(matrix.columns.length, Math.ceil((root.scrollLeft + root.clientWidth) / COLUMN) + SPARE);
    const corner = element('corner', '✓ included, ✕ excluded, * with a filter', 'columnheader');
    const heads = [corner];
    for (let column = first; column < last; column += 1) {
      const made = element('column', targets[matrix.columns[column]].name, 'columnheader');
      made.style.left = `${NAME + column * COLUMN}px`;
      made.setAttribute('aria-colindex', column + 2);
      heads.push(made);
    }
    head.replaceChildren(...heads);
    const drawn = [];
    for (let index = firstRow; index < lastRow; index += 1) {
      const policy = matrix.rows[index];
      const line = element('row', undefined, 'row');
      line.style.top = `${index * ROW}px`;
      line.style.width = body.style.width;
      line.setAttribute('aria-rowindex', index + 2);
      line.append(element('name', policies[policy].title, 'rowheader'));
      for (let column = first; column < last; column += 1) {
        const entries = cells[policy].get(matrix.columns[column]);
        const here = index === matrix.at.row && column === matrix.at.column;
        if (!entries && !here) continue;
        const all = entries || [];
        const excluded = all.some((row) => row.exclude) || (all.length > 0 && all.every((row) => row.excludedBy));
        const mark = all.length === 0 ? '' : all.length > 1 ? String(all.length) : excluded ? '✕' : '✓';
        const cell = element(`cell ${excluded ? 'no' : 'yes'}${here ? ' active' : ''}`, mark + (all.some((row) => row.filter) ? '*' : ''), 'gridcell');
        cell.style.left = `${NAME + column * COLUMN}px`;
        cell.setAttribute('aria-colindex', column + 2);
        if (here) cell.id = 'cell-active';
        cell.addEventListener('click', () => { matrix.at = { row: index, column }; matrix.draw(); matrix.tell(); });
        line.append(cell);
      }
      drawn.push(line);
    }
    body.replaceChildren(...drawn);
    root.setAttribute('aria-activedescendant', 'cell-active');
  };
  matrix.filter = () => {
    const wanted = words(state.q), wantedGroups = words(state.groups);
    matrix.columns = targetOrder.filter((index) => hasAll(targets[index].name.toLowerCase(), wantedGroups));
    const narrowed = new Set(wantedGroups.length ? matrix.columns : []);
    const isMeant = (policy, index) => (!state.kind || policy.kind === state.kind)
      && hasAll(`${policy.kind}\n${policy.title}\n${policy.id}`.toLowerCase(), wanted)
      && (!wantedGroups.length || [...cells[index].keys()].some((target) => narrowed.has(target)));
    matrix.rows = policyOrder.filter((index) => isMeant(policies[index], index));
    matrix.at = { row: 0, column: 0 };
    matrix.root.scrollTop = 0;
    matrix.root.scrollLeft = 0;
    const width = `${NAME + matrix.columns.length * COLUMN}px`;
    matrix.body.style.height = `${matrix.rows.length * ROW}px`;
    matrix.body.style.width = width;
    matrix.head.style.width = width;
    matrix.root.setAttribute('aria-rowcount', matrix.rows.length + 1);
    matrix.root.setAttribute('aria-colcount', matrix.columns.length + 1);
    get('count').textContent = `${number(matrix.rows.length, 'policy', 'policies')} × ${number(matrix.columns.length, 'target', 'targets')}`;
  };
  matrix.tell = () => {
    const policy = matrix.rows[matrix.at.row], target = matrix.columns[matrix.at.column];
    if (policy === undefined || target === undefined) return;
    const entries = cells[policy].get(target);
    if (entries) tell(entries);
    else get('detail').textContent = `${policies[policy].title} is not assigned to ${targets[target].name}.`;
  };
  matrix.move = (key, jump) => {
    const { at, root } = matrix;
    const page = Math.max(1, Math.floor((root.clientHeight - HEAD) / ROW) - 1);
    const steps = {
      ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1],
      PageDown: [page, 0], PageUp: [-page, 0], Home: jump ? [-Infinity, -Infinity] : [0, -Infinity], End: jump ? [Infinity, Infinity] : [0, Infinity],
    };
    if (!(key in steps)) return false;
    const within = (at, count) => Math.max(0, Math.min(count - 1, at));
    at.row = within(at.row + steps[key][0], matrix.rows.length);
    at.column = within(at.column + steps[key][1], matrix.columns.length);
    const top = at.row * ROW, left = at.column * COLUMN;
    const height = root.clientHeight - HEAD - ROW, width = root.clientWidth - NAME - COLUMN;
    if (top < root.scrollTop) root.scrollTop = top;
    if (top > root.scrollTop + height) root.scrollTop = top - height;
    if (left < root.scrollLeft) root.scrollLeft = left;
    if (left > root.scrollLeft + width) root.scrollLeft = left - width;
    matrix.draw();
    matrix.tell();
    return true;
  };

  // --- What both have ---------------------------------------------------------------------------

  const tell = (entries) => {
    get('detail').textContent = entries.map((row) => {
      const policy = policies[row.policy], target = targets[row.target];
      return [
        `${policy.kind} ${policy.title} (${policy.id})`, policy.type && `type ${policy.type}`, policy.platforms,
        target ? `${row.sign} ${target.name}${target.id ? ` (${target.id})` : ''}` : 'not assigned',
        row.filter, row.more, row.via && `reached through ${row.via}`, row.excludedBy && `excluded by ${row.excludedBy}`,
      ].filter(Boolean).join(' · ');
    }).join('  |  ');
  };
  const views = { list, matrix };
  const current = () => views[state.view];
  const show = () => {
    for (const name of Object.keys(views)) {
      views[name].root.hidden = name !== state.view;
      get(`tab-${name}`).setAttribute('aria-selected', name === state.view);
    }
    get('groups-label').hidden = state.view !== 'matrix';
    if (state.theme) document.documentElement.dataset.theme = state.theme;
    else delete document.documentElement.dataset.theme;
    get('theme').textContent = `Theme: ${state.theme || 'system'}`;
    current().filter();
    current().draw();
  };
  /** Keeps what is shown in the address, so that it can be shared. */
  const update = () => {
    const kept = new URLSearchParams();
    for (const [key, set] of Object.entries(state)) if (set && !(key === 'view' && set === 'list')) kept.set(key, set);
    history.replaceState(null, '', `#${kept}`);
    show();
  };
  const read = () => {
    const kept = new URLSearchParams(location.hash.slice(1));
    for (const key of Object.keys(state)) state[key] = kept.get(key) || '';
    state.desc = state.desc === 'true';
    if (!views[state.view]) state.view = 'list';
    if (!columns.some(({ key }) => key === state.sort)) state.sort = 'policy';
    if (!['light', 'dark'].includes(state.theme)) state.theme = '';
    for (const [id, key] of [['search', 'q'], ['groups', 'groups'], ['kind', 'kind']]) get(id).value = state[key];
    show();
  };

  for (const kind of [...new Set(policies.map((policy) => policy.kind))].sort()) get('kind').append(new Option(kind, kind));
  get('about').textContent = data.about;
  if (data.warning) {
    get('warning').textContent = data.warning;
    get('warning').hidden = false;
  }
  for (const [id, key] of [['search', 'q'], ['groups', 'groups'], ['kind', 'kind']]) {
    get(id).addEventListener('input', () => { state[key] = get(id).value; update(); });
  }
  for (const name of Object.keys(views)) {
    get(`tab-${name}`).addEventListener('click', () => { state.view = name; update(); });
    views[name].root.addEventListener('scroll', () => requestAnimationFrame(views[name].draw));
    views[name].root.addEventListener('keydown', (event) => {
      if (event.target !== views[name].root) return;
      if (event.key === 'Enter') views[name].tell();
      else if (!views[name].move(event.key, event.ctrlKey)) return;
      event.preventDefault();
    });
  }
  get('theme').addEventListener('click', () => {
    state.theme = { '': 'light', light: 'dark', dark: '' }[state.theme];
    update();
  });
  document.addEventListener('keydown', (event) => {
    const typing = /^(INPUT|SELECT)$/.test(event.target.tagName);
    if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
      get('search').focus();
      event.preventDefault();
    } else if (event.key === 'Escape' && typing) {
      current().root.focus();
    }
  });
  window.addEventListener('resize', () => current().draw());
  window.addEventListener('hashchange', read);
  read();
})();
